"""Seconds of several programs, side by side: every round gives each its turn."""

import math
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

Key = TypeVar("Key")
Action = Callable[[], object]
QUICK, TURNS = 0.7, 8  # what takes less than QUICK seconds has so many turns a round
SHORT = 0.02  # what takes less is repeated, so that a sample lasts as long


def pin() -> None:
    """Keep this process, and those that it starts, to one core; where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def cores() -> int:
    """Say how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def seconds(action: Action, times: int = 1) -> float:
    """Time one call, as the mean of several."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def once(actions: Mapping[Key, Action]) -> dict[Key, float]:
    """Call each action, to warm up; gives its seconds."""
    return {key: seconds(action) for key, action in actions.items()}


def medians(actions: Mapping[Key, Action], rounds: int) -> dict[Key, float]:
    """Time actions in turn, round after round.

    Parameters
    ----------
    actions : mapping
        By name. What takes less than SHORT seconds is called several times in a turn.
    rounds : int
        Each of TURNS turns for what is QUICK, since a shared machine may be half as fast for
        seconds.

    Returns
    -------
    dict
        Median seconds of a call, by name.
    """
    least = once(actions)
    found: dict[Key, list[float]] = {key: [] for key in actions}
    for _, turn in product(range(rounds), range(TURNS)):
        for key, action in actions.items():
            if turn and least[key] > QUICK:
                continue
            times = math.ceil(SHORT / max(least[key], 1e-7))
            found[key].append(seconds(action, times))
            least[key] = min(least[key], found[key][-1])  # the first may have compiled something
    return {key: statistics.median(each) for key, each in found.items()}


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Give the slope of log y over log x, by least squares: 1 where y grows as x does.

    NaN where a number is not positive, as a difference of noisy times may be.
    """
    if min(*x, *y) <= 0:
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
