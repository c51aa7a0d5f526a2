"""What a peer is: a program that is ready to train one network, epoch after epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Dataset
from gdexp.descent import FullGradient, MiniBatch, Optimizer, State
from gdexp.problems import Network

Array = NDArray[Any]


@dataclass(frozen=True)
class Peer:
    """A program made ready.

    Parameters
    ----------
    epoch : callable
        Trains for one epoch; returns when that is done.
    v : callable or None
        Gives the parameters as gdexp orders them; None where another cost is minimised, so that
        nothing can be compared.
    """

    epoch: Callable[[], None]
    v: Callable[[], Array] | None


Make = Callable[[Network, int, float], Peer]  # m = n: full-batch gradient descent


def optimizer(network: Network, m: int) -> Optimizer:
    """Give the one that a mini-batch of m stands for."""
    return FullGradient() if m == network.n else MiniBatch(m)


@dataclass(frozen=True)
class Start:
    """What all peers begin with: data in float32, and the first weights and orders of seed 0.

    With the same orders, the costs that are reached differ by rounding alone.
    """

    network: Network
    m: int

    def state(self) -> State:
        """Give the first weights and the generator of orders."""
        return State.begin(self.network, 0)

    def layers(self) -> list[tuple[Array, Array]]:
        """Give the first weights (n_out, n_in) and biases (n_out,), in float32."""
        return self.network.layers(self.state().v.astype(np.float32))

    def orders(self) -> Callable[[], Array | None]:
        """Give a function that draws an epoch's order; None where all examples are one batch."""
        rng, whole = self.state().rng, self.m == self.network.n
        return lambda: None if whole else MiniBatch(self.m).order(self.network.n, rng)

    def arrays(self) -> tuple[Array, Array]:
        """Give inputs (n, n_in) and targets (n, k), in float32; not to be written to."""
        return _arrays(self.network.dataset)


@cache
def _arrays(dataset: Dataset) -> tuple[Array, Array]:
    y = np.eye(dataset.classes, dtype=np.float32)[dataset.train.labels]
    return dataset.train.x(slice(None), np.float32), y
