"""Rows and names, as an error lists them: the first few, and how many more."""

from collections.abc import Iterable, Sequence
from typing import Any

MOST = 5


def rows(places: Sequence[int]) -> str:
    """List rows by their places from 0; row 1 is the first below the header."""
    return ("row " if len(places) == 1 else "rows ") + several([str(at + 1) for at in places])


def quoted(names: Iterable[Any]) -> str:
    """List names in quotes."""
    return several([repr(str(name)) for name in names])


def several(items: Sequence[str], most: int = MOST) -> str:
    """List items: ``a``, ``a and b``, ``a, b and 7 more``."""
    shown = list(items[:most])
    if len(items) > most:
        return f"{', '.join(shown)} and {len(items) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), *shown[-1:]]) if len(shown) > 1 else "".join(shown)
