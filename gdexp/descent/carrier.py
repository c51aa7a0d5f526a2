"""Who carries out the epochs of a descent: descent itself does, or a faster engine."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Protocol

from gdexp.descent.optimizers import Optimizer
from gdexp.descent.problem import Problem, Vector
from gdexp.descent.state import State
from gdexp.descent.update import Step, Update
from gdexp.measure import Measure

Rates = float | Sequence[float]  # the learning rate of an epoch, or of each of its updates


class Carrier(Protocol):
    """Carries out a descent's epochs and measures."""

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, moving `state` along in place."""

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""


class Stepwise:
    """Carries out an epoch as it is written down: gradient, then step."""

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, moving `state.v` in place: v → v + Δv."""
        batches = optimizer.batches(problem.n, state.rng)
        for batch, eta in zip(batches, each_rate(rates), strict=False):
            m = batch.stop - batch.start if isinstance(batch, slice) else len(batch)
            nabla = problem.gradient(state.v, batch)  # (p,)
            step = Step(eta, state.updates + 1, state.memory)
            state.v += update.step(problem, state.v, nabla, m, step)
            state.updates += 1
            state.examples += m

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v as the problem does."""
        return problem.measure(v)


def each_rate(rates: Rates) -> Iterator[float]:
    """Give the learning rate of one update after the other."""
    return repeat(rates) if isinstance(rates, float) else iter(rates)
