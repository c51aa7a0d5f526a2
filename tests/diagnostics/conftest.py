"""Sights of small networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.data import Dataset, Digits
from gdexp.descent import Epoch
from gdexp.diagnostics import Sight, Subject
from gdexp.diagnostics.inspection import rng_of

Show = Callable[..., Sight]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Show a problem at a point."""

    def sight(problem: Subject, v: Any, epoch: int = 0, updates: int = 0, **more: Any) -> Sight:
        parts = problem.measure(v)
        reached = Epoch(epoch, updates, 0, 0.0, parts["train"].cost / parts["train"].n, parts)
        rng = rng_of(0, epoch, "test")
        return Sight(problem, more.pop("exact", problem), reached, v, tmp_path, rng, **more)

    return sight


def measured(problem: Subject, v: Any, epoch: int, updates: int) -> Epoch:
    """Give an epoch as a descent would."""
    parts = problem.measure(v)
    return Epoch(epoch, updates, 0, 0.0, parts["train"].cost / parts["train"].n, parts)


def rng() -> np.random.Generator:
    """Draws of a test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The embedded digits."""
    return Digits().load()
