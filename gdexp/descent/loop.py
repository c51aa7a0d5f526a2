"""Descent as a generator of epochs: whoever iterates it decides what to do with them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gdexp.descent.carrier import Carrier, Stepwise
from gdexp.descent.epoch import Epoch
from gdexp.descent.optimizers import First, Optimizer, Pace
from gdexp.descent.penalties import Penalty
from gdexp.descent.problem import Problem
from gdexp.descent.rules import Plain, Rule
from gdexp.descent.scaling import Scaling
from gdexp.descent.schedules import Constant, Moment, Schedule
from gdexp.descent.state import Past, State
from gdexp.descent.stops import AfterEpochs, Stop
from gdexp.descent.update import Update
from gdexp.errors import whole


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

    def due(self, epoch: int, epochs: int | None) -> bool:
        """Say whether an epoch, of so many, is measured."""
        return epoch % self.every == 0 or epoch == epochs


def descent(
    problem: Problem,
    optimizer: Optimizer,
    scaling: Scaling,
    state: State,
    *,
    eta: float,
    epochs: int | None,
    rule: Rule | None = None,
    schedule: Schedule | None = None,
    stop: Stop | None = None,
    penalty: Penalty | None = None,
    clip: float | None = None,
    carrier: Carrier | None = None,
    evaluation: Evaluation | None = None,
    past: Past | None = None,
    between: Callable[[], object] | None = None,
) -> Iterator[Epoch]:
    """Descend for `epochs` epochs, until the stop, or until the cost is no longer finite.

    Parameters
    ----------
    problem, optimizer, scaling
        What is minimised, by which examples an update, under which conventions.
    state : State
        Where to start; moved along in place.
    eta : float
        The learning rate η, before the schedule.
    epochs : int, optional
        How many times to go through the training inputs; None leaves the end to the stop.
    rule, schedule, stop, penalty, clip : optional
        As in `Update`; where none is given: plain steps, a constant η, no end but that of the
        epochs, no penalty, no clipping.
    carrier : Carrier
        Carries out the epochs; `Stepwise` where none is given, an engine may bring a faster one.
    evaluation : Evaluation
        Which epochs are measured; all of them where none is given.
    past : Past, optional
        What lies behind, where `state` is that of a descent that was broken off: it goes on as if
        it had not been, bit for bit.
    between : callable, optional
        Called after each epoch that is not measured, and so not yielded.

    Yields
    ------
    Epoch
        The start first (number 0), then one after each epoch that is measured. One after which v
        is not finite is measured always, and so is the last. What is in the past is not repeated.

    Raises
    ------
    GdexpError
        Before anything is yielded, where the stop needs what the problem has not.
    """
    update = Update(scaling, rule or Plain(), penalty or Penalty(), clip)
    carrier, evaluation = carrier or Stepwise(), evaluation or Evaluation()
    ways = schedule or Constant(), stop or AfterEpochs()
    past = past or Past([])
    course = _Course(problem, optimizer, update, state, eta, epochs, carrier, *ways, past)
    if not course.history:
        yield course.look()
    while not course.over():
        course.go_on()
        if evaluation.due(state.epoch, epochs) or course.at_the_end():
            yield course.look()
        elif between is not None:
            between()
    course.restore()


@dataclass
class _Course:
    """A descent on its way: what `descent` goes through, step by step."""

    problem: Problem
    optimizer: Optimizer
    update: Update
    state: State
    eta: float
    epochs: int | None
    carrier: Carrier
    schedule: Schedule
    stop: Stop
    past: Past
    history: list[Epoch] = field(init=False)
    rate: float | None = None

    def __post_init__(self) -> None:
        self.history = [*self.past.history]
        if not self.state.memory:
            self.state.memory = self.update.rule.start(self.state.v)
        self.rate = self.eta
        self.pace = Pace.of(self.optimizer, self.problem.n)

    def over(self) -> bool:
        """Whether nothing is left to be done."""
        last = self.history[-1]
        return bool(last.ended) or last.diverged or self.state.epoch == self.epochs

    def at_the_end(self) -> bool:
        """Whether this epoch is the last, for a reason that needs no measuring."""
        return self._left() == 0 or not np.isfinite(self.state.v).all()

    def _left(self) -> int | None:
        return self.stop.updates_left(self.state.updates, self.state.examples, self.pace)

    def go_on(self) -> None:
        """Carry out an epoch, or what a budget leaves of it."""
        state, left, coming = self.state, self._left(), self.pace.updates
        moment = Moment(state.epoch, state.updates, coming, self.epochs, self.history)
        rates = self.schedule.rates(self.eta, moment)
        optimizer = self.optimizer
        if left is not None and left < coming:
            optimizer, coming = First(optimizer, left), left
            rates = rates if isinstance(rates, float) else rates[:left]
        began = time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the cost
            self.carrier.train_epoch(self.problem, optimizer, self.update, rates, state)
        state.seconds += time.perf_counter() - began
        state.epoch += 1
        self.rate = rates if isinstance(rates, float) else rates[coming - 1]

    def look(self) -> Epoch:
        """Measure, and see whether that is the end."""
        state = self.state
        state.seconds = self.past.seconds.get(state.epoch, state.seconds)
        with np.errstate(over="ignore", invalid="ignore"):
            parts = self.carrier.measure(self.problem, state.v)
            total = parts["train"].cost + self.update.penalty.of(self.problem, state.v)
        if not self.history:
            known = {name: measure.accuracy is not None for name, measure in parts.items()}
            self.stop.check(self.pace.m, known)
        cost = self.update.scaling.of_cost(total, parts["train"].n)
        epoch = Epoch(state.epoch, state.updates, state.examples, state.seconds, cost, parts)
        if not self.schedule.constant:
            epoch = replace(epoch, eta=self.rate)
        self.history.append(epoch)
        self.history[-1] = replace(epoch, ended=self._reason())
        self._keep_best()
        return self.history[-1]

    def _reason(self) -> str:
        if self.history[-1].diverged:
            return ""
        if self._left() == 0:
            return self.stop.spent
        return self.stop.reason(self.history)

    def _keep_best(self) -> None:
        merits = [self.stop.merit(each) for each in self.history] if self.stop.restores else []
        if merits and merits[-1] > max(merits[:-1], default=-np.inf):
            self.state.best = self.state.v.copy()

    def restore(self) -> None:
        """Go back to the best parameters, where the stop wants them."""
        if self.state.best is not None:
            self.state.v[:] = self.state.best
