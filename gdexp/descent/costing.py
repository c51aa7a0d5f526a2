"""Epochs of which each update is told: the cost of its mini-batch, just before it moves v."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gdexp.descent.carrier import Rates, Stepwise
from gdexp.descent.optimizers import Optimizer
from gdexp.descent.problem import Batch, Problem
from gdexp.descent.state import State
from gdexp.descent.update import Update

Tell = Callable[[int, int, Sequence[float]], object]
"""Takes the number of an epoch, that of its first update, and the costs of its mini-batches."""


class Costing(Stepwise):
    """Descends as `Stepwise` does, to the same bits, and tells each update's cost.

    That is Σ C_x/m over the mini-batch, at the v from which its gradient is taken.

    Parameters
    ----------
    tell : callable
        Told after each epoch.
    name, how : str
        Of the engine that this is.
    """

    def __init__(self, tell: Tell, name: str, how: str) -> None:
        self._tell, self.name, self.how = tell, name, how

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, moving `state.v` in place."""
        first, costs = state.updates + 1, array("d")
        looked: Any = _Looked(optimizer, problem, state, costs)
        super().train_epoch(problem, looked, update, rates, state)
        self._tell(state.epoch + 1, first, costs)


@dataclass
class _Looked:
    """Batches, of which each is measured when it is asked for."""

    optimizer: Optimizer
    problem: Any
    state: State
    costs: "array[float]"

    def batches(self, n: int, rng: Any) -> Iterator[Batch]:
        """Give each batch, measured."""
        for batch in self.optimizer.batches(n, rng):
            m = batch.stop - batch.start if isinstance(batch, slice) else len(batch)
            self.costs.append(self.problem.cost(self.state.v, batch) / m)
            yield batch
