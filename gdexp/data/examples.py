"""Examples as they are held in memory, and a data set of three parts."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Batch = slice | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and what is to be predicted of each, held as compactly as they came.

    Parameters
    ----------
    inputs : ndarray, shape (n, n_in)
        Raw values: bytes for images.
    labels : ndarray, shape (n,)
        Classes, as integers from 0; for a regression the targets, in float64.
    scale : float
        What a raw value is divided by: 255 brings bytes into [0, 1].
    """

    inputs: NDArray[Any]
    labels: NDArray[Any]
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.inputs)

    def x(self, batch: Batch, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """Give the inputs of a batch, scaled: a new array of shape (m, n_in)."""
        x = self.inputs[batch].astype(dtype)
        return x if self.scale == 1.0 else np.divide(x, self.scale, out=x)

    @cached_property
    def density(self) -> float:
        """The share of the inputs that are not zero."""
        return float(np.count_nonzero(self.inputs)) / max(1, self.inputs.size)

    @cached_property
    def digest(self) -> str:
        """Name the content: 32 hex digits of SHA-256 over shape, type, scale and bytes."""
        of = hashlib.sha256()
        for array in (self.inputs, self.labels):
            of.update(f"{array.shape} {array.dtype.str} {self.scale!r};".encode())
            of.update(np.ascontiguousarray(array).data)
        return of.hexdigest()[:32]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test examples of one source.

    Parameters
    ----------
    name : str
        Of the source, as runs are named after it.
    train, validation, test : Examples
        The parts. For a regression the last two may be empty, where no share was asked for.
    classes : int
        How many there are; 0 for a regression.
    source : str
        Where the examples come from, and what was left out.
    class_names : tuple of str, optional
        Name of each class.
    feature_names : tuple of str, optional
        Name of each input.
    shift, spread : tuple of float, optional
        What was done to each input: x = (raw - shift) / spread; empty where nothing was.
    image_shape : tuple of int, optional
        (height, width), or (height, width, 3) in colour, where inputs are pixels.
    """

    name: str
    train: Examples
    validation: Examples
    test: Examples
    classes: int
    source: str
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    shift: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    image_shape: tuple[int, ...] = ()

    @property
    def n_in(self) -> int:
        """How many inputs an example has."""
        return int(self.train.inputs.shape[1])

    @property
    def parts(self) -> dict[str, Examples]:
        """Give the parts that are not empty, by the names that their metrics carry."""
        parts = {"train": self.train, "val": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if len(part)}
