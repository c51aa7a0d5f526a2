"""Where a descent is, and what lies behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gdexp.descent.epoch import Epoch
from gdexp.descent.problem import Problem, Vector


@dataclass
class State:
    """All that a descent needs to go on from where it is.

    Parameters
    ----------
    v : ndarray, shape (p,)
        The point; updates change it in place.
    rng : numpy.random.Generator
        Draws the order of the examples.
    epoch, updates, examples : int
        What lies behind.
    seconds : float
        Time spent on updates, without measuring.
    memory : dict of str to ndarray
        What the rule keeps, each of shape (p,); empty before the first update.
    best : ndarray, shape (p,), optional
        The best point so far, where the stop wants to go back to it.
    """

    v: Vector
    rng: np.random.Generator
    epoch: int = 0
    updates: int = 0
    examples: int = 0
    seconds: float = 0.0
    memory: dict[str, Vector] = field(default_factory=dict)
    best: Vector | None = None

    @classmethod
    def begin(cls, problem: Problem, seed: int) -> "State":
        """Start from `seed`: one stream for the first point, an independent one for the orders.

        So equal seeds give equal first points whatever the optimizer, and equal orders
        whatever the problem.
        """
        first, orders = np.random.SeedSequence(seed).spawn(2)
        return cls(problem.start(np.random.default_rng(first)), np.random.default_rng(orders))


@dataclass(frozen=True)
class Past:
    """What lies behind a descent that was broken off, beside the state that it goes on from.

    Parameters
    ----------
    history : sequence of Epoch
        What was measured up to that state, the start included.
    seconds : mapping of int to float
        `State.seconds` after later epochs, which are gone through again: what was told then holds,
        so that a stop which reads the clock stops where it did.
    """

    history: Sequence[Epoch]
    seconds: Mapping[int, float] = field(default_factory=dict)
