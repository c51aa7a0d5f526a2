"""Medians over the moments in which the cores are this process's alone.

A virtual core may be half of a real one. While another's work runs on the other half, most programs
take up to twice as long, but arithmetic in registers hardly longer, so that neither can be held
against the other. A loop of pure Python tells such moments, for it takes up to twice as long, too:
it is timed on each core before and after every sample.
"""

import itertools
import operator
import os
import statistics
import time
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.timing import TURNS, Action, Key, once, seconds

LOOP = 50_000  # turns of the loop: about a millisecond
ALONE = 1.25  # times the loop's least seconds, up to which a core counts as undisturbed
ENOUGH, PATIENCE = 5, 120.0  # undisturbed samples; seconds after which no more are waited for

Gauge = tuple[float, ...]  # seconds of the loop, core by core


class Sample(NamedTuple):
    """Seconds of a call, and of the loop on each core before and after it."""

    seconds: float
    before: Gauge
    after: Gauge

    def is_within(self, most: Gauge) -> bool:
        """Say whether the loop took no longer than that."""
        return all(map(operator.le, self.before + self.after, most + most))


Samples = Mapping[Key, list[Sample]]


class Found(NamedTuple):
    """Median seconds of the samples that count, and of all; how many of each there are."""

    seconds: float
    of_all: float
    counted: int
    samples: int

    @property
    def share(self) -> str:
        """Say how many samples count."""
        return f"{'all' if self.counted == self.samples else self.counted} of {self.samples}"


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
    """Time actions in turn, in TURNS turns a round, and on until enough samples are undisturbed.

    Where one has not got enough of them in time, all samples of all actions count.

    Parameters
    ----------
    actions : mapping
        By name. The longer they take, the fewer undisturbed samples there are.
    rounds : int
    """
    once(actions)
    samples: dict[Key, list[Sample]] = {key: [] for key in actions}
    before, end = gauge(), time.perf_counter() + PATIENCE
    for turn in itertools.count(1):
        for key, action in actions.items():
            took = seconds(action)
            after = gauge()
            samples[key].append(Sample(took, before, after))
            before = after
        alone = _alone(samples)
        enough = min(map(len, alone.values())) >= ENOUGH
        if turn >= rounds * TURNS and (enough or time.perf_counter() > end):
            return _found(samples, alone if enough else samples)
    raise AssertionError  # turns have no end


def _alone(samples: Samples[Key]) -> Samples[Key]:
    """Keep the samples before and after which no loop took much longer than the least."""
    looks = [look for each in samples.values() for sample in each for look in sample[1:]]
    most = tuple(ALONE * min(core) for core in zip(*looks, strict=True))
    return {key: [one for one in each if one.is_within(most)] for key, each in samples.items()}


def _found(samples: Samples[Key], counted: Samples[Key]) -> dict[Key, Found]:
    return {
        key: Found(_median(counted[key]), _median(each), len(counted[key]), len(each))
        for key, each in samples.items()
    }


def _median(samples: list[Sample]) -> float:
    return statistics.median(each.seconds for each in samples)
