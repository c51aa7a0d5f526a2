"""Looking changes nothing; each looks when it should, and sees what it should."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.data import Dataset
from gdexp.descent import Epoch, MiniBatch, Scaling, State, descent
from gdexp.diagnostics import (
    Confusion,
    Diagnostic,
    Finding,
    GradCheck,
    Inspection,
    Landscape,
    Noise,
    Norms,
    Sight,
    Waypoint,
    Weights,
)
from gdexp.diagnostics.inspection import Trail, rng_of
from gdexp.errors import GdexpError, SettingError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset

ALL: dict[str, Diagnostic] = {
    "norms": Norms(1),
    "gradcheck": GradCheck(2),
    "confusion": Confusion(3),
    "weights": Weights(3),
    "noise": Noise(2, [1, 5], 3),
    "landscape": Landscape(0, grid=4, examples=10),
}


Run = tuple[State, list[Epoch], list[Finding]]


def run(
    dataset: Dataset, diagnostics: dict[str, Diagnostic], folder: Path, dtype: Any = np.float32
) -> Run:
    """Descend as a run does, with these diagnostics."""
    folder.mkdir(exist_ok=True)
    architecture = Architecture([6])
    problem = Network(architecture, Quadratic(), dataset, dtype)
    exact = Network(architecture, Quadratic(), dataset)
    inspection = Inspection(diagnostics, problem, exact, folder, seed=4)
    state, epochs, found = State.begin(problem, 4), [], []
    for epoch in descent(problem, MiniBatch(7), Scaling(), state, eta=3.0, epochs=4):
        epochs.append(epoch)
        found.append(inspection.after(epoch, state.v))
    found.append(inspection.after(epochs[-1], state.v, last=True))
    return state, epochs, found


@pytest.fixture(scope="module")
def watch(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Carry a descent out, once, that all look at."""
    return cache(lambda dtype: run(digits, ALL, tmp_path_factory.mktemp("watched"), dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_descent_is_the_same_with_and_without(
    dtype: str, digits: Dataset, watch: Callable[[str], Run], tmp_path: Path
) -> None:
    state, plain, _ = run(digits, {}, tmp_path / "without", dtype)
    seen, watched, found = watch(dtype)
    assert seen.v.tobytes() == state.v.tobytes()
    assert seen.rng.bit_generator.state == state.rng.bit_generator.state
    assert [(e.cost, e.parts) for e in watched] == [(e.cost, e.parts) for e in plain]
    assert sum(bool(each.metrics) for each in found) == 6
    assert not list((tmp_path / "without").iterdir())


def test_the_same_seed_sees_the_same(
    digits: Dataset, watch: Callable[[str], Run], tmp_path: Path
) -> None:
    once, again = (
        [{k: v for k, v in each.metrics.items() if "seconds" not in k} for each in found]
        for _, _, found in (watch("float32"), run(digits, ALL, tmp_path / "again"))
    )
    assert once == again


class Spy(Diagnostic):
    """Writes down what it is shown."""

    def __init__(self, every: int, waypoints: int = 0) -> None:
        super().__init__(every)
        object.__setattr__(self, "seen", [])
        object.__setattr__(self, "kept", waypoints)

    @property
    def waypoints(self) -> int:
        return int(self.kept)  # type: ignore[attr-defined]

    def look(self, sight: Sight) -> Finding:
        self.seen.append(sight)  # type: ignore[attr-defined]
        return Finding(notes=[f"after {sight.epoch.number}"])


@pytest.mark.parametrize(
    ("every", "expected"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (3, [0, 3, 4]), (0, [4])]
)
def test_each_looks_when_it_is_due_and_at_the_end(
    every: int, expected: list[int], tmp_path: Path
) -> None:
    spy = Spy(every)
    run(small_dataset(), {"spy": spy}, tmp_path)
    sights: list[Sight] = spy.seen  # type: ignore[attr-defined]
    assert [sight.epoch.number for sight in sights] == expected
    before = [None, *expected[:-1]]
    assert [s.previous.epoch if s.previous else None for s in sights] == before
    for earlier, later in pairwise(sights):
        assert later.previous is not None
        np.testing.assert_array_equal(later.previous.v, earlier.v)
        assert (later.v != earlier.v).any()


def test_v_cannot_be_written_to(tmp_path: Path) -> None:
    spy = Spy(0)
    run(small_dataset(), {"spy": spy}, tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        spy.seen[0].v[0] = 1.0  # type: ignore[attr-defined]


def test_a_trail_leads_from_the_start_to_the_end(tmp_path: Path) -> None:
    spy = Spy(2, waypoints=3)
    run(small_dataset(), {"spy": spy}, tmp_path)
    trails = [[p.epoch for p in s.trail] for s in spy.seen]  # type: ignore[attr-defined]
    assert trails == [[0], [0, 1, 2], [0, 2, 4]]


@given(st.integers(3, 12), st.integers(1, 300))
def test_a_trail_is_bounded_evenly_spaced_and_begins_at_the_start(most: int, count: int) -> None:
    trail = Trail(most)
    for epoch in range(count):
        trail.add(Waypoint(epoch, epoch, np.zeros(1)))
    kept = [p.epoch for p in trail.points]
    assert len(kept) <= most
    assert kept[0] == 0
    assert len({b - a for a, b in pairwise(kept)}) <= 1
    assert count < 2 * most or len(kept) >= most / 2


def test_notes_are_those_of_the_last_look(tmp_path: Path) -> None:
    problem = Network(Architecture([4]), Quadratic(), small_dataset())
    inspection = Inspection({"one": Spy(1), "two": Spy(2)}, problem, problem, tmp_path, 0)
    state = State.begin(problem, 0)
    for epoch in descent(problem, MiniBatch(7), Scaling(), state, eta=1.0, epochs=1):
        inspection.after(epoch, state.v)
    assert inspection.notes == ["after 1", "after 0"]


def test_a_descent_that_diverged_is_not_looked_at(tmp_path: Path) -> None:
    spy = Spy(1)
    problem = Network(Architecture([4]), Quadratic(), small_dataset())
    inspection = Inspection({"spy": spy}, problem, problem, tmp_path, 0)
    v = np.full(problem.size, np.nan)
    epoch = Epoch(1, 1, 1, 0.0, float("nan"), problem.measure(v))
    inspection.after(epoch, v)
    inspection.after(epoch, v, last=True)
    assert not spy.seen  # type: ignore[attr-defined]


def test_each_look_draws_from_its_own(tmp_path: Path) -> None:
    drawn = [
        rng_of(seed, epoch, name).random()
        for seed in (0, 1)
        for epoch in (0, 1)
        for name in ("norms", "noise")
    ]
    assert len(set(drawn)) == 8


def test_what_does_not_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    problem = Network(Architecture([4]), Quadratic(), small_dataset())
    with pytest.raises(
        GdexpError, match=r"^diagnostics=weights: the inputs .* Leave it out here\.$"
    ):
        Inspection({"weights": Weights()}, problem, problem, tmp_path, 0)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: Norms(-1), "every must be a whole number >= 0"),
        (lambda: Norms(every=1.5), "every must be"),  # type: ignore[arg-type]
        (lambda: Norms(examples=0), "examples must be"),
        (lambda: GradCheck(threshold=0), "threshold must be"),
        (lambda: GradCheck(coordinates=0), "coordinates must be"),
        (lambda: Confusion(part="all"), "part must be one of val, test, train"),
        (lambda: Confusion(mistakes=-1), "mistakes must be"),
        (lambda: Weights(units=0), "units must be"),
        (lambda: Noise(repeats=1), "repeats must be"),
        (lambda: Landscape(points=2), "points must be"),
        (lambda: Landscape(grid=1), "grid must be"),
    ],
)
def test_settings_are_checked(made: Any, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        made()
