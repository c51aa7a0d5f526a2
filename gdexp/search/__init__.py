"""Searches: sweeps whose next jobs are chosen by what those before them came to."""

from gdexp.search.carrying import carry_out
from gdexp.search.settings import Settings

__all__ = ["Settings", "carry_out"]
