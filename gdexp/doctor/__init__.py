"""Looks whether all is well: runs, journals, the store, caches, the environment."""

from gdexp.doctor.check import Check, Place
from gdexp.doctor.examine import examine
from gdexp.doctor.treat import treat

__all__ = ["Check", "Place", "examine", "treat"]
