"""A stream that is open: what is known of its examples, and the examples as they come."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.examples import Dataset, Examples
from gdexp.errors import GdexpError

Example = tuple[Any, Any]  # inputs (n_in,), and a label


@dataclass
class Arrivals:
    """A stream that is open.

    Parameters
    ----------
    dataset : Dataset
        What is known of the examples, their number excepted: its training part is empty.
    examples : iterator of (inputs, label) or None
        In the order of their coming; None, several times a second, while none comes.
    skipped : callable
        Says how many lines were left out so far.
    """

    dataset: Dataset
    examples: Iterator[Example | None]
    skipped: Callable[[], int] = field(default=lambda: 0)

    def batches(self, m: int, most: int | None, seconds: float | None) -> "Batches":
        """Give them m at a time."""
        return Batches(self, m, most, seconds)


@dataclass
class Batches:
    """The examples of a stream, m at a time, in the order of their coming.

    Nothing is taken from the source that is not given; what does not fill the last mini-batch is
    given as a smaller one.

    Parameters
    ----------
    arrivals : Arrivals
    m : int
    most : int, optional
        How many examples are given in all.
    seconds : float, optional
        How long, by the clock, from the first one on.
    ended : str
        Why there are no more; empty before.
    """

    arrivals: Arrivals
    m: int
    most: int | None = None
    seconds: float | None = None
    ended: str = ""

    @property
    def updates(self) -> int | None:
        """How many there will be at most, where a limit says so."""
        return None if self.most is None else -(-self.most // self.m)

    def __iter__(self) -> Iterator[Examples | None]:
        """Give the next mini-batch; None where nothing has come for a while."""
        held: list[Example] = []
        for example in self._limited():
            if example is None:
                yield None
                continue
            held.append(example)
            if len(held) == self.m:
                yield self._batch(held)
                held = []
        if held:
            yield self._batch(held)

    def _limited(self) -> Iterator[Example | None]:
        """Give the examples one by one, until the first limit is met."""
        end = math.inf if self.seconds is None else time.monotonic() + self.seconds
        seen = 0
        for example in self.arrivals.examples:
            yield example
            seen += example is not None
            if seen == self.most:
                self.ended = f"{seen:,} examples were taken, as many as were asked for"
                return
            if time.monotonic() >= end:
                self.ended = f"the {self.seconds:g} seconds of stream.seconds are over"
                return
        self.ended = f"the source ended after {seen:,} examples"

    def _batch(self, held: list[Example]) -> Examples:
        of = self.arrivals.dataset.train
        inputs = np.array([x for x, _ in held], of.inputs.dtype)  # (m, n_in)
        return replace(of, inputs=inputs, labels=np.array([y for _, y in held], of.labels.dtype))


class Arriving(ABC):
    """A source whose examples arrive one after another: their number is not known."""

    option: str

    def load(self) -> Dataset:
        """Refuse: there is nothing that could be loaded whole."""
        raise GdexpError(
            f"data={self.option}: its examples arrive one after another, and nobody knows how "
            f"many there will be. Write optimizer=stream data={self.option}."
        )

    @abstractmethod
    def open(self, bad_lines: str) -> Arrivals:
        """Begin to read.

        Parameters
        ----------
        bad_lines : {"skip", "fail"}
            What to do about a line that does not parse.

        Raises
        ------
        GdexpError
            Where there is no example at all, or where the first is not what the settings say.
        """


def replayed(dataset: Dataset) -> Arrivals:
    """Let the training examples of a data set arrive once, in their order."""
    train = dataset.train
    return Arrivals(to_come(dataset), zip(train.inputs, train.labels, strict=True))


def to_come(dataset: Dataset) -> Dataset:
    """Give the same data set, of which the training part is still to come."""
    train = dataset.train
    empty = replace(train, inputs=train.inputs[:0], labels=train.labels[:0])
    return replace(dataset, train=empty)


def nothing(n_in: int, classes: int, scale: float = 1.0) -> Examples:
    """Give no examples, of so many inputs and classes; 0 classes: labels are numbers."""
    labels: NDArray[Any] = np.empty(0, np.int64 if classes else np.float64)
    return Examples(np.empty((0, n_in)), labels, scale)
