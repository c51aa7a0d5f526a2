"""What of this processor decides how long engines take."""

from functools import cache

from threadpoolctl import threadpool_info

# The names of OpenBLAS for processors with vectors of 512 bits (AVX-512).
WIDE = ("SkylakeX", "Cooperlake", "SapphireRapids")


@cache
def has_wide_vectors() -> bool:
    """Say whether OpenBLAS has vectors of 512 bits here; False where the BLAS is another."""
    return any(library.get("architecture") in WIDE for library in threadpool_info())
