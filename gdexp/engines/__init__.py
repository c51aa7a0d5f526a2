"""How an epoch is carried out: in plain NumPy, or compiled."""

from gdexp.engines.compiled import Compiled
from gdexp.engines.engine import Engine, Prepared
from gdexp.engines.reference import Reference

__all__ = ["Compiled", "Engine", "Prepared", "Reference"]
