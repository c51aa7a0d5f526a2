"""Medians over the moments in which the cores are this process's alone.

A virtual core may be half of a real one. While another's work runs on the other half, most programs
take up to twice as long, but arithmetic in registers hardly longer, so that neither can be held
against the other. A loop of pure Python tells such moments, for it takes up to twice as long, too:
it is timed on each core before and after every sample. After TURNS samples of each, more wait for
such a moment.
"""

import operator
import os
import statistics
import time
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.timing import TURNS, Action, Key, once, seconds

LOOP = 50_000  # turns of the loop: about a millisecond
ALONE = 1.25  # times the loop's least seconds, up to which a core counts as undisturbed
WAIT, PATIENCE = 1.0, 120.0  # seconds that a sample waits for such a moment, and all samples take
ENOUGH = 5  # undisturbed samples; where a program has fewer, disturbed ones count, too

Gauge = tuple[float, ...]  # seconds of the loop, core by core


class Sample(NamedTuple):
    """Seconds of a call, and of the loop on each core before and after it; whether it waited."""

    seconds: float
    before: Gauge
    after: Gauge
    waited: bool


Samples = Mapping[Key, list[Sample]]


class Found(NamedTuple):
    """Median seconds of the samples that count, and of all that did not wait; how many of each.

    `shared` says that disturbed samples count, too.
    """

    seconds: float
    of_all: float
    counted: int
    samples: int
    shared: bool

    @property
    def share(self) -> str:
        """Say how many samples count."""
        return f"{self.counted} of {self.samples}" + (", disturbed" if self.shared else "")


class Cores:
    """The cores that this process may use, and how long the loop took at least on each."""

    def __init__(self) -> None:
        self._least = gauge()

    def sample(self, action: Action, patient: bool) -> Sample:
        """Time a call; one that is patient waits until no core is shared, though not for ever."""
        end = time.perf_counter() + (WAIT if patient else 0.0)
        before = self._look()
        while not self._are_alone(before) and time.perf_counter() < end:
            before = self._look()
        took = seconds(action)
        return Sample(took, before, self._look(), patient)

    def alone(self, samples: list[Sample]) -> list[Sample]:
        """Keep those before and after which no core was shared."""
        return [
            one for one in samples if self._are_alone(one.before) and self._are_alone(one.after)
        ]

    def _look(self) -> Gauge:
        found = gauge()
        self._least = tuple(map(min, self._least, found))
        return found

    def _are_alone(self, found: Gauge) -> bool:
        return all(map(operator.le, found, (ALONE * least for least in self._least)))


def gauge() -> Gauge:
    """Time the loop on each core that this process may use."""
    if not hasattr(os, "sched_setaffinity"):
        return (_loop(),)
    cores, found = os.sched_getaffinity(0), []
    for core in sorted(cores):
        os.sched_setaffinity(0, {core})
        found.append(_loop())
    os.sched_setaffinity(0, cores)
    return tuple(found)


def _loop() -> float:
    return min(seconds(_turn), seconds(_turn))  # the first may be on a core that is cold


def _turn() -> None:
    for _ in range(LOOP):
        pass


def medians(actions: Mapping[Key, Action], rounds: int) -> dict[Key, Found]:
    """Time actions in turn until each has two undisturbed samples for every round.

    Where one has not got enough of them in time, all samples of all actions count that did not wait
    for such a moment.

    Parameters
    ----------
    actions : mapping
        By name. The longer they take, the fewer undisturbed samples there are.
    rounds : int
    """
    once(actions)
    cores, end, turn = Cores(), time.perf_counter() + PATIENCE, 0
    samples: dict[Key, list[Sample]] = {key: [] for key in actions}
    left = list(actions)
    while left and time.perf_counter() < end:
        for key in left:
            samples[key].append(cores.sample(actions[key], patient=turn >= TURNS))
        left = [key for key, each in samples.items() if len(cores.alone(each)) < 2 * rounds]
        turn += 1
    alone = {key: cores.alone(each) for key, each in samples.items()}
    every = {key: [one for one in each if not one.waited] for key, each in samples.items()}
    shared = min(map(len, alone.values())) < min(ENOUGH, 2 * rounds)
    counted = every if shared else alone
    return {
        key: Found(_median(counted[key]), _median(every[key]), len(counted[key]), len(each), shared)
        for key, each in samples.items()
    }


def _median(samples: list[Sample]) -> float:
    return statistics.median(each.seconds for each in samples)
