"""The BLAS engine: NumPy and SciPy, with everything prepared but the arithmetic."""

from gdexp.engines.blas.engine import Blas

__all__ = ["Blas"]
