"""Which examples estimate the gradient of an update: all of them, m at a time, or one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gdexp.descent.problem import Batch
from gdexp.errors import SettingError, one_of, whole


class Optimizer(Protocol):
    """A way of going through n training inputs once."""

    def batch_size(self, n: int) -> int:
        """Say how many examples an update sees, m.

        Raises
        ------
        SettingError
            Where there are fewer than that.
        """

    def updates(self, n: int) -> int:
        """Say how many updates an epoch has."""

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Give the order in which one epoch goes through the examples, m at a time."""

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Give the batches of one epoch: `order`, cut."""


@dataclass(frozen=True)
class FullGradient:
    """Gradient descent: every update uses all n training inputs (Nielsen, ch. 1, eq. 15)."""

    def batch_size(self, n: int) -> int:
        """All n."""
        return n

    def updates(self, n: int) -> int:
        """One."""
        return 1

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Give the order of the data; nothing is drawn."""
        return np.arange(n)

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[slice]:
        """One batch, in the order of the data; nothing is drawn."""
        yield slice(0, n)


@dataclass(frozen=True)
class MiniBatch:
    """Stochastic gradient descent on mini-batches (Nielsen, eqs. 20, 21).

    Parameters
    ----------
    batch : int
        m.
    sampling : {"shuffle", "in_order", "with_replacement"}
        ``shuffle``: a new order in each epoch, as Nielsen does; every example is in just one
        mini-batch. ``in_order``: the order of the data, always. ``with_replacement``: each example
        of each mini-batch is drawn from all n, as theory often has it.
    last : {"keep", "drop"}
        What becomes of the n mod m examples that do not fill a mini-batch: a smaller one, which
        `Scaling` says how to weigh, or nothing.

    Raises
    ------
    SettingError
        Where a setting is not allowed.
    """

    batch: int
    sampling: str = "shuffle"
    last: str = "keep"

    def __post_init__(self) -> None:
        whole("batch", self.batch, 1, "10")
        one_of("sampling", self.sampling, ORDERS)
        one_of("last", self.last, ("keep", "drop"))

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

    def updates(self, n: int) -> int:
        """⌈n/m⌉, or ⌊n/m⌋ where the last is dropped."""
        return n // self.batch if self.last == "drop" else -(-n // self.batch)

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw the examples of an epoch."""
        order = ORDERS[self.sampling](n, rng)
        return order[: self.updates(n) * self.batch]

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """Slices of the order."""
        order = self.order(n, rng)
        for first in range(0, len(order), self.batch):
            yield order[first : first + self.batch]


ORDERS: dict[str, Callable[[int, np.random.Generator], NDArray[np.intp]]] = {
    "shuffle": lambda n, rng: rng.permutation(n),
    "in_order": lambda n, rng: np.arange(n),
    "with_replacement": lambda n, rng: rng.integers(0, n, n),
}


@dataclass(frozen=True)
class Online:
    """Online, or incremental, learning: one example an update (Nielsen, exercise after eq. 22)."""

    def batch_size(self, n: int) -> int:
        """One."""
        return 1

    def updates(self, n: int) -> int:
        """One an example."""
        return n

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw a permutation."""
        return rng.permutation(n)

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """All n examples one by one, in a new random order."""
        return MiniBatch(1).batches(n, rng)


@dataclass(frozen=True)
class Pace:
    """What an epoch has.

    Parameters
    ----------
    m : int
        Examples of an update; the last of an epoch may see fewer.
    updates, examples : int
        Of the whole epoch.
    """

    m: int
    updates: int
    examples: int

    @classmethod
    def of(cls, optimizer: Optimizer, n: int) -> "Pace":
        """Ask an optimizer, for n training inputs."""
        m, updates = optimizer.batch_size(n), optimizer.updates(n)
        return cls(m, updates, min(updates * m, n))


@dataclass(frozen=True)
class First:
    """The first updates of another optimizer's epoch: what a budget allows of it.

    Parameters
    ----------
    optimizer : Optimizer
    count : int
        How many updates.
    """

    optimizer: Optimizer
    count: int

    def batch_size(self, n: int) -> int:
        """m, as ever."""
        return self.optimizer.batch_size(n)

    def updates(self, n: int) -> int:
        """As many as are left, and at most an epoch's."""
        return min(self.count, self.optimizer.updates(n))

    def order(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Give the order of a whole epoch, cut."""
        return self.optimizer.order(n, rng)[: self.count * self.batch_size(n)]

    def batches(self, n: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Give the first batches."""
        return islice(self.optimizer.batches(n, rng), self.count)
