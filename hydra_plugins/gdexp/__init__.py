"""What Hydra looks for in this namespace: plugins, which are thin; `gdexp.sweeps` does the work."""
