"""Descent as a generator of epochs: whoever iterates it decides what to do with them."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gdexp.descent.optimizers import Optimizer
from gdexp.descent.problem import Problem, Vector
from gdexp.descent.scaling import Scaling
from gdexp.errors import whole
from gdexp.measure import Measure


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
    """

    v: Vector
    rng: np.random.Generator
    epoch: int = 0
    updates: int = 0
    examples: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, problem: Problem, seed: int) -> "State":
        """Start from `seed`: one stream for the first point, an independent one for the orders.

        So equal seeds give equal first points whatever the optimizer, and equal orders
        whatever the problem.
        """
        first, orders = np.random.SeedSequence(seed).spawn(2)
        return cls(problem.start(np.random.default_rng(first)), np.random.default_rng(orders))


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch; number 0 is the start, before any update.

    `cost` is the training cost under the descent's own scaling, `parts` the convention-free
    measures of each set of examples.
    """

    number: int
    updates: int
    examples: int
    seconds: float
    cost: float
    parts: Mapping[str, Measure]

    @property
    def diverged(self) -> bool:
        """Whether the training cost is no longer finite."""
        return not math.isfinite(self.cost)


@dataclass(frozen=True)
class Evaluation:
    """When a descent is measured, on all sets of examples: at the start, at the end, and between.

    Parameters
    ----------
    every : int
        Epochs from one measurement to the next.

    Raises
    ------
    SettingError
        Where that is no whole number >= 1.
    """

    every: int = 1

    def __post_init__(self) -> None:
        whole("every", self.every, 1, "1")

    def due(self, epoch: int, epochs: int) -> bool:
        """Say whether an epoch, of so many, is measured."""
        return epoch % self.every == 0 or epoch == epochs


class Carrier(Protocol):
    """Carries out a descent's epochs and measures: descent itself does, or a faster engine."""

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, scaling: Scaling, eta: float, state: State
    ) -> None:
        """Go through the training inputs once, moving `state` along in place."""

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""


class Plain:
    """Carries out an epoch as it is written down: gradient, then step."""

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, scaling: Scaling, eta: float, state: State
    ) -> None:
        """Go through the training inputs once, moving `state.v` in place: v → v − η ∇C."""
        for batch in optimizer.batches(problem.n, state.rng):
            m = batch.stop - batch.start if isinstance(batch, slice) else len(batch)
            nabla = problem.gradient(state.v, batch)  # (p,)
            nabla *= scaling.of_update(eta, m)
            state.v -= nabla
            state.updates += 1
            state.examples += m

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v as the problem does."""
        return problem.measure(v)


def descent(
    problem: Problem,
    optimizer: Optimizer,
    scaling: Scaling,
    state: State,
    *,
    eta: float,
    epochs: int,
    carrier: Carrier | None = None,
    evaluation: Evaluation | None = None,
) -> Iterator[Epoch]:
    """Descend for `epochs` epochs, or until the cost is no longer finite.

    Parameters
    ----------
    problem, optimizer, scaling
        What is minimised, by which examples an update, under which conventions.
    state : State
        Where to start; moved along in place.
    eta : float
        The learning rate η.
    epochs : int
        How many times to go through the training inputs.
    carrier : Carrier
        Carries out the epochs; `Plain` where none is given, an engine may bring a faster one.
    evaluation : Evaluation
        Which epochs are measured; all of them where none is given.

    Yields
    ------
    Epoch
        The start first (number 0), then one after each epoch that is measured. One after which v
        is not finite is measured always.
    """
    carrier, evaluation = carrier or Plain(), evaluation or Evaluation()
    yield (epoch := _look(carrier, problem, scaling, state))
    while state.epoch < epochs and not epoch.diverged:
        began = time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the cost
            carrier.train_epoch(problem, optimizer, scaling, eta, state)
        state.seconds += time.perf_counter() - began
        state.epoch += 1
        if evaluation.due(state.epoch, epochs) or not np.isfinite(state.v).all():
            yield (epoch := _look(carrier, problem, scaling, state))


def _look(carrier: Carrier, problem: Problem, scaling: Scaling, state: State) -> Epoch:
    with np.errstate(over="ignore", invalid="ignore"):
        parts = carrier.measure(problem, state.v)
    cost = scaling.of_cost(parts["train"].cost, parts["train"].n)
    return Epoch(state.epoch, state.updates, state.examples, state.seconds, cost, parts)
