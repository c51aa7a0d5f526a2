"""Rows and names, as an error lists them: the first few, and how many more."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 5


def rows(marked: NDArray[np.bool_]) -> str:
    """List the rows that are marked, (n,); row 1 is the first below the header."""
    found = np.flatnonzero(marked) + 1
    return ("row " if len(found) == 1 else "rows ") + several([str(row) for row in found])


def quoted(names: Iterable[Any]) -> str:
    """List names in quotes."""
    return several([repr(str(name)) for name in names])


def several(items: Sequence[str], most: int = MOST) -> str:
    """List items: ``a``, ``a and b``, ``a, b and 7 more``."""
    shown = list(items[:most])
    if len(items) > most:
        return f"{', '.join(shown)} and {len(items) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), *shown[-1:]]) if len(shown) > 1 else "".join(shown)
