"""What descent asks of the thing that it minimises."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gdexp.measure import Measure

Vector = NDArray[np.floating[Any]]  # (p,)  a point v, or a gradient
Batch = slice | NDArray[np.intp]  # (m,)  which training inputs


class Problem(Protocol):
    """A cost C(v) that is a sum over n training inputs x of C_x(v)."""

    @property
    def size(self) -> int:
        """Number of parameters, p."""

    @property
    def n(self) -> int:
        """Number of training inputs."""

    def start(self, rng: np.random.Generator) -> Vector:
        """Draw the point to start from, of shape (p,)."""

    def weights(self, v: Vector) -> Sequence[Vector]:
        """See the part of v that a penalty acts on: views, not copies."""

    def gradient(self, v: Vector, batch: Batch) -> Vector:
        """Σ ∇C_x over the batch: a new array of shape (p,), the caller's to overwrite."""

    def measure(self, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples; "train" is among them."""
