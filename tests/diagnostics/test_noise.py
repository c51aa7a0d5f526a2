"""The law of the error of an estimate, and the noise scale, against exact sums."""

import csv
from pathlib import Path

import numpy as np
import pytest

from gdexp.data import Dataset
from gdexp.descent import MiniBatch, Scaling, State, descent
from gdexp.diagnostics import Noise
from gdexp.errors import SettingError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.diagnostics.conftest import Show


def test_on_mnist_the_error_falls_as_one_over_the_root_of_m(mnist: Dataset, show: Show) -> None:
    problem = Network(Architecture([10]), Quadratic(), mnist, np.float32)
    state = State.begin(problem, 0)
    noise = Noise(ladder=[1, 4, 16, 64, 256], repeats=100)
    for epoch in descent(problem, MiniBatch(10), Scaling(), state, eta=1.0, epochs=1):
        seen = noise.look(show(problem, state.v, epoch.number)).metrics
        assert seen["noise/slope"] == pytest.approx(-0.5, abs=0.05)
        by_scale = np.sqrt(seen["grad/noise_scale"] / 64)
        assert seen["noise/error_m64"] == pytest.approx(by_scale, rel=0.2)


def exact(problem: Network, v: np.ndarray) -> tuple[float, float]:
    """tr Σ and ‖G‖² from the gradient of every example."""
    each = np.array([problem.gradient(v, np.array([i])) for i in range(problem.n)])
    full = each.mean(axis=0)
    return float(((each - full) ** 2).sum(axis=1).mean()), float(full @ full)


def test_the_noise_scale_is_trace_over_square(show: Show) -> None:
    problem = Network(Architecture([4]), Quadratic(), small_dataset())
    v = problem.start(np.random.default_rng(1))
    trace, square = exact(problem, v)
    seen = Noise(ladder=[1, 5, 23, 100], repeats=400).look(show(problem, v)).metrics
    assert seen["grad/noise_scale"] == pytest.approx(trace / square, rel=0.05)
    for m in (1, 5, 23, 100):  # with replacement: the law holds also at n, and beyond
        law = np.sqrt(trace / square / m)
        assert seen[f"noise/error_m{m}"] == pytest.approx(law, rel=0.1)
    cosines = [seen[f"noise/cosine_m{m}"] for m in (1, 5, 23, 100)]
    assert cosines == sorted(cosines)
    assert cosines[-1] <= 1


def test_errors_and_costs_stand_side_by_side(show: Show, tmp_path: Path) -> None:
    problem = Network(Architecture([4]), Quadratic(), small_dataset())
    v = problem.start(np.random.default_rng(1))
    for epoch in (0, 1):
        found = Noise(ladder=[4, 2], repeats=3).look(show(problem, v, epoch))
    assert found.files == ["diagnostics/noise.csv", "diagnostics/noise.json"]
    with (tmp_path / "diagnostics/noise.csv").open() as file:
        rows = list(csv.DictReader(file))
    rungs = [("0", "2"), ("0", "4"), ("1", "2"), ("1", "4")]
    assert [(row["epoch"], row["m"]) for row in rows] == rungs
    for row in rows:
        assert float(row["seconds"]) > 0
        scaled = float(row["relative error"]) * np.sqrt(int(row["m"]))
        assert float(row["error times √m"]) == pytest.approx(scaled)


@pytest.mark.parametrize("ladder", [[], [5], [5, 5], [0, 5], [1.5, 3], "10", [True, 4]])
def test_a_ladder_has_two_rungs(ladder: object) -> None:
    with pytest.raises(SettingError, match="ladder must be a list of at least two different"):
        Noise(ladder=ladder)  # type: ignore[arg-type]


def test_without_a_gradient_there_is_no_relative_error(show: Show) -> None:
    problem = Network(Architecture([], "identity", "relu"), Quadratic(), small_dataset())
    v = np.full(problem.size, -1.0)  # every output is off: no gradient at all
    seen = Noise(ladder=[1, 2], repeats=2).look(show(problem, v)).metrics
    assert "grad/noise_scale" not in seen
    assert "noise/slope" not in seen
    assert all(np.isfinite(value) for value in seen.values())
