"""Which examples estimate the gradient of an update: all of them, m at a time, or one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gdexp.descent.problem import Batch
from gdexp.errors import SettingError, whole


class Optimizer(Protocol):
    """A way of going through n training inputs once."""

    def batch_size(self, n: int) -> int:
        """Say how many examples an update sees, m.

        Raises
        ------
        SettingError
            Where there are fewer than that.
        """

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Give the order in which one epoch goes through the examples, m at a time."""

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Give the batches of one epoch: `order`, cut; every example is in just one of them."""


@dataclass(frozen=True)
class FullGradient:
    """Gradient descent: every update uses all n training inputs (Nielsen, ch. 1, eq. 15)."""

    def batch_size(self, n: int) -> int:
        """All n."""
        return n

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Give the order of the data; nothing is drawn."""
        return np.arange(n)

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[slice]:
        """One batch, in the order of the data; nothing is drawn."""
        yield slice(0, n)


@dataclass(frozen=True)
class MiniBatch:
    """Stochastic gradient descent on mini-batches, reshuffled each epoch (Nielsen, eqs. 20, 21).

    Parameters
    ----------
    batch : int
        m. The last mini-batch of an epoch holds what is left, and may be smaller.
    """

    batch: int

    def __post_init__(self) -> None:
        whole("batch", self.batch, 1, "10")

    def batch_size(self, n: int) -> int:
        """m, where n examples can fill it."""
        if self.batch > n:
            raise SettingError(
                "batch",
                f"at most n = {n}, the number of training examples",
                self.batch,
                advice="Use a smaller batch, or optimizer=gd for all examples in each update.",
            )
        return self.batch

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw a permutation."""
        return rng.permutation(n)

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """⌈n/m⌉ slices of the order."""
        order = self.order(n, rng)
        for first in range(0, n, self.batch):
            yield order[first : first + self.batch]


@dataclass(frozen=True)
class Online:
    """Online, or incremental, learning: one example an update (Nielsen, exercise after eq. 22)."""

    def batch_size(self, n: int) -> int:
        """One."""
        return 1

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw a permutation."""
        return rng.permutation(n)

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """All n examples one by one, in a new random order."""
        return MiniBatch(1).batches(n, rng)
