"""The commands beside running: one module each, with `main` taking the words after its name."""
