"""Medians over the moments in which the cores are this process's alone.

A virtual core may be half of a real one. While another's work runs on the other half, most programs
take up to twice as long, but arithmetic in registers hardly longer, so that neither can be held
against the other. A loop of pure Python tells such moments, for it takes up to twice as long, too:
it is timed on each core before and after every sample.
"""

import itertools
import os
import statistics
import time
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.timing import TURNS, Action, Key, once, seconds

LOOP = 50_000  # turns of the loop: about a millisecond
ALONE = 1.25  # times the loop's least seconds, up to which a core counts as undisturbed
ENOUGH, PATIENCE = 8, 180.0  # undisturbed samples; seconds after which no more are waited for

Gauge = tuple[float, ...]  # seconds of the loop, core by core


class Sample(NamedTuple):
    """Seconds of a call, and of the loop on each core before and after it."""

    seconds: float
    before: Gauge
    after: Gauge

    def is_alone(self, least: Gauge) -> bool:
        """Say whether no loop took much longer than the least on its core."""
        looked = (*zip(self.before, least, strict=True), *zip(self.after, least, strict=True))
        return all(took <= ALONE * best for took, best in looked)


class Found(NamedTuple):
    """Median seconds: of undisturbed samples, if there are enough, and of all; how many of each."""

    seconds: float
    of_all: float
    alone: int
    samples: int

    @property
    def share(self) -> str:
        """Say how many samples count."""
        if self.alone < ENOUGH:
            return f"all {self.samples}: {self.alone} undisturbed"
        return f"{self.alone} of {self.samples}"


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

    Parameters
    ----------
    actions : mapping
        By name; each takes a second at most.
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
        found = _found(samples)
        done = time.perf_counter() > end or min(each.alone for each in found.values()) >= ENOUGH
        if done and turn >= rounds * TURNS:
            return found
    raise AssertionError  # turns have no end


def _found(samples: Mapping[Key, list[Sample]]) -> dict[Key, Found]:
    looks = [look for each in samples.values() for sample in each for look in sample[1:]]
    least, found = tuple(map(min, zip(*looks, strict=True))), {}
    for key, each in samples.items():
        alone = [sample.seconds for sample in each if sample.is_alone(least)]
        everything = statistics.median(sample.seconds for sample in each)
        counted = statistics.median(alone) if len(alone) >= ENOUGH else everything
        found[key] = Found(counted, everything, len(alone), len(each))
    return found
