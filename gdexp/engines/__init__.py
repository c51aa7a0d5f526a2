"""How an epoch is carried out: so far the reference, plain vectorised NumPy."""

from gdexp.engines.reference import Engine, Reference

__all__ = ["Engine", "Reference"]
