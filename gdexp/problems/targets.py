"""What a network's outputs are to be: one for each class, one for both of two, or a number."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.problems.feedforward import Array


class Targets(Protocol):
    """How labels become targets y, (m, k), and how outputs a, (m, k), are held against labels."""

    @property
    def outputs(self) -> int:
        """How many, k."""

    def y(self, labels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Give the targets of labels, (m,)."""

    def right(self, a: Array, labels: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Say which examples are classified rightly, (m,); None where there are no classes."""


@dataclass(frozen=True)
class OneHot:
    """An output for each class: 1 for the label, 0 for the others (Nielsen, ch. 1)."""

    outputs: int

    def y(self, labels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Give rows of the unit matrix."""
        y = np.zeros((len(labels), self.outputs), dtype)
        y[np.arange(len(labels)), labels] = 1
        return y

    def right(self, a: Array, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Take the class of the largest output."""
        found: NDArray[np.bool_] = a.argmax(axis=1) == labels
        return found


@dataclass(frozen=True)
class Binary:
    """One output for two classes: the label itself, 0 or 1."""

    outputs = 1

    def y(self, labels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Give the labels as a column."""
        return labels.astype(dtype)[:, None]

    def right(self, a: Array, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Take class 1 where the output is above one half."""
        found: NDArray[np.bool_] = (a[:, 0] > 0.5) == (labels == 1)
        return found


@dataclass(frozen=True)
class Numbers:
    """One output, for the number that an example has."""

    outputs = 1

    def y(self, labels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Give the numbers as a column."""
        return labels.astype(dtype)[:, None]

    def right(self, a: Array, labels: NDArray[Any]) -> None:
        """Nothing is right or wrong here."""
