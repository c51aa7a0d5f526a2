"""Descent on examples that arrive one after another, and whose number is not known."""

import time
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from gdexp.descent.arriving import Stream
from gdexp.descent.epoch import Epoch
from gdexp.descent.problem import Problem, Vector
from gdexp.descent.running import Running
from gdexp.descent.schedules import Constant, Schedule
from gdexp.descent.state import State
from gdexp.descent.update import Step, Update
from gdexp.errors import GdexpError
from gdexp.measure import Measure


class Learner(Problem, Protocol):
    """A problem whose training inputs need not be held: they are handed to it."""

    def learn(self, v: Vector, examples: Any) -> tuple[Vector, Measure]:
        """Σ ∇C_x over some examples, as `gradient` gives it, and their measure at v."""

    def measure(self, v: Vector) -> Mapping[str, Measure]:
        """Measure v on the sets that are held: none, or "val" and "test"."""


class Batches(Protocol):
    """Mini-batches as they come."""

    @property
    def updates(self) -> int | None:
        """How many there will be, where a limit says so."""

    @property
    def ended(self) -> str:
        """Why there are no more; empty before."""

    def __iter__(self) -> Iterator[Sized | None]:
        """Give the next; None where nothing has come for a while."""


def stream(
    problem: Learner,
    batches: Batches,
    update: Update,
    state: State,
    settings: Stream,
    *,
    eta: float,
    schedule: Schedule | None = None,
) -> Iterator[Epoch]:
    """Descend on mini-batches as they come, until there are no more.

    Parameters
    ----------
    problem : Learner
        What is minimised; its n is never asked for.
    batches : Batches
        The examples, m at a time.
    update : Update
        As in `descent`, but without a penalty.
    state : State
        Where to start; moved along in place.
    settings : Stream
        What is reported, and when.
    eta, schedule
        The learning rate η, and how it changes by update.

    Yields
    ------
    Epoch
        A report after every `settings.report` examples, and at the end. Its "train" part measures
        the last examples, each before it was learnt from. Where the descent is broken off, a
        report of what was seen comes first.

    Raises
    ------
    GdexpError, KeyboardInterrupt, SystemExit
        What broke it off.
    """
    course = _Course(problem, batches, update, state, settings, eta, schedule or Constant())
    try:
        for batch in batches:
            if course.due():
                yield course.look()
            if batch is not None:
                course.learn(batch)
            if not course.running.finite:
                break
    except (GdexpError, KeyboardInterrupt, SystemExit):
        if state.examples > course.told:
            yield course.look()
        raise
    if state.examples:
        yield replace(course.look(), ended=batches.ended)


@dataclass
class _Course:
    """A descent on a stream on its way."""

    problem: Learner
    batches: Batches
    update: Update
    state: State
    settings: Stream
    eta: float
    schedule: Schedule
    told: int = 0  # examples that the last report knew of

    def __post_init__(self) -> None:
        if not self.state.memory:
            self.state.memory = self.update.rule.start(self.state.v)
        self.running = Running(self.settings.window, self.settings.half_life)
        self.rate = self.eta

    def learn(self, batch: Sized) -> None:
        """Take a step by a mini-batch, having measured it."""
        state, m, began = self.state, len(batch), time.perf_counter()
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the cost
            nabla, seen = self.problem.learn(state.v, batch)
            self.rate = self._rate()
            step = Step(self.rate, state.updates + 1, state.memory)
            state.v += self.update.step(self.problem, state.v, nabla, m, step)
        self.running.add(seen)
        state.updates += 1
        state.examples += m
        state.seconds += time.perf_counter() - began

    def _rate(self) -> float:
        if self.schedule.constant:
            return self.eta
        behind = np.array([self.state.updates], float)
        return self.eta * float(self.schedule.factors(behind, self.batches.updates)[0])

    def due(self) -> bool:
        """Say whether a report is due. It is made when the next batch is there, or is waited for.

        So the last report comes once, with the reason for the end.
        """
        every = self.settings.report
        return self.state.examples // every > self.told // every

    def look(self) -> Epoch:
        """Sum up what was seen, and measure the sets that are held."""
        state, seen = self.state, self.running.windowed()
        with np.errstate(over="ignore", invalid="ignore"):
            held = self.problem.measure(state.v)
        state.epoch += 1
        self.told = state.examples
        total = self.running.cost if self.update.scaling.cost == "sum" else seen.cost
        return Epoch(
            state.epoch,
            state.updates,
            state.examples,
            state.seconds,
            self.update.scaling.of_cost(total, seen.n),
            {"train": seen, **held},
            eta=None if self.schedule.constant else self.rate,
            unit="report",
            extra=self.running.means(),
        )
