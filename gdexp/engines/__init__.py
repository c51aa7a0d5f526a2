"""How an epoch is carried out: in plain NumPy, with SciPy's BLAS, or compiled."""

from gdexp.engines.auto import Auto
from gdexp.engines.blas import Blas
from gdexp.engines.compiled import Compiled
from gdexp.engines.engine import Choice, Engine, Prepared, Work
from gdexp.engines.reference import Reference

__all__ = ["Auto", "Blas", "Choice", "Compiled", "Engine", "Prepared", "Reference", "Work"]
