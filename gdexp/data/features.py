"""Columns of numbers as the inputs of a network: how far each is shifted and scaled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALINGS = ("standardize", "unit", "none")

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """Inputs of n examples.

    Parameters
    ----------
    values : ndarray of float64, shape (n, n_in)
    names : sequence of str
        One for each column.
    flags : ndarray of bool, shape (n_in,)
        Marks columns of 0 and 1 that stand for a category or a truth, and are left as they are.
    """

    values: Floats
    names: Sequence[str]
    flags: NDArray[np.bool_]


def fitted(features: Features, train: NDArray[np.intp], scaling: str) -> tuple[Floats, Floats]:
    """Give shift and spread, each (n_in,), of x = (raw - shift) / spread.

    Both are taken from the training examples alone, so that nothing of the others leaks into
    training. ``standardize``: their mean and standard deviation (of n, not n - 1), which brings
    them to mean 0 and variance 1. ``unit``: their least value and their range, which brings them
    into [0, 1]. A column that is constant there is shifted, and not divided.
    """
    shown = features.values[train]
    least, most = shown.min(axis=0), shown.max(axis=0)
    if scaling == "unit":
        shift, spread = least, most - least
    else:
        # Of values that are all equal, rounding makes a mean that is not quite theirs.
        shift = np.where(least == most, least, shown.mean(axis=0))
        spread = np.sqrt(np.square(shown - shift).mean(axis=0))
    spread[spread == 0] = 1.0
    shift[features.flags], spread[features.flags] = 0.0, 1.0
    return shift, spread
