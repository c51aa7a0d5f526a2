"""What a network makes of one of its sets of examples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Vector
from gdexp.problems import Network

AT_ONCE = 500  # examples, so that memory does not grow with their number

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of n examples: the class that each has, the one that it is taken for, and how firmly.

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (n,)
    margin : ndarray, shape (n,)
        Output of the predicted class less that of the right one: 0 where both are the same.
    classes : int
    """

    labels: Integers
    predicted: Integers
    margin: NDArray[np.float64]
    classes: int

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Count examples by class (row) and by the class they are taken for (column), (k, k)."""
        pairs = self.labels.astype(np.int64) * self.classes + self.predicted
        return np.bincount(pairs, minlength=self.classes**2).reshape(self.classes, -1)

    def worst(self, most: int) -> NDArray[np.intp]:
        """Give the numbers of at most so many mistakes, the firmest first."""
        mistakes = np.flatnonzero(self.predicted != self.labels)
        order = np.argsort(-self.margin[mistakes], kind="stable")
        return mistakes[order][:most]


def predictions(network: Network, v: Vector, part: str) -> Predictions:
    """Let the network classify a part of its data: train, val or test."""
    examples = network.dataset.parts[part]
    labels = examples.labels.astype(np.int64)
    predicted, margin = np.empty(len(labels), np.int64), np.empty(len(labels))
    for first in range(0, len(labels), AT_ONCE):
        block = slice(first, first + AT_ONCE)
        a = network.outputs(v, examples.x(block, network.dtype)).astype(np.float64)
        if a.shape[1] == 1:  # one output for both of two classes
            a = np.concatenate([1 - a, a], axis=1)
        predicted[block] = a.argmax(axis=1)  # a: (m, k)
        rows = np.arange(len(a))
        margin[block] = a.max(axis=1) - a[rows, labels[block]]
    return Predictions(labels, predicted, margin, network.dataset.classes)
