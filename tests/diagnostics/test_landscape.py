"""Line and plane against a cost that is known in closed form."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.diagnostics import Landscape, Waypoint
from gdexp.diagnostics.landscape import Plane
from gdexp.measure import Measure
from tests.diagnostics.conftest import Show


class Bowl:
    """Σ C_x = n ½‖v‖², in any number of dimensions."""

    n = 3

    def __init__(self, size: int) -> None:
        self.size = size

    def _m(self, batch: Any) -> int:
        return len(np.arange(self.n)[batch])

    def start(self, rng: np.random.Generator) -> Any:
        return rng.normal(size=self.size)

    def weights(self, v: Any) -> list[Any]:
        return [v]

    def cost(self, v: Any, batch: Any) -> float:
        return self._m(batch) * 0.5 * float(v @ v)

    def gradient(self, v: Any, batch: Any) -> Any:
        return self._m(batch) * v

    def measure(self, v: Any) -> Mapping[str, Measure]:
        return {"train": Measure(self.cost(v, slice(0, self.n)), self.n, 0)}


def trail(points: np.ndarray) -> list[Waypoint]:
    return [Waypoint(epoch, epoch, v) for epoch, v in enumerate(points)]


def test_the_line_is_the_parabola_that_it_cuts(show: Show, tmp_path: Path) -> None:
    start, end = np.array([2.0, 0, 0]), np.array([-1.0, 0, 0])
    points = np.array([start, [0, 1, 0], end])
    found = Landscape(grid=8).look(show(Bowl(3), end, 2, trail=trail(points)))
    with (tmp_path / "diagnostics/landscape/line_epoch_0002.csv").open() as file:
        rows = [(float(row["t"]), float(row["cost"])) for row in csv.DictReader(file)]
    assert {0.0, 1.0} < {t for t, _ in rows}
    for t, cost in rows:
        assert cost == pytest.approx(0.5 * (2 - 3 * t) ** 2, abs=1e-12)
    assert found.metrics["landscape/barrier"] == 0
    assert [Path(name).suffix for name in found.files] == [".csv", ".csv", ".png", ".webp"]


def test_the_plane_of_a_path_in_a_plane_holds_all_of_it(show: Show, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(50, 2)))
    points = rng.normal(size=(9, 2)) @ basis.T + rng.normal(size=50)
    plane = Plane.through(points)
    assert plane.share == pytest.approx(1)
    for at, point in zip(plane.path, points, strict=True):
        np.testing.assert_allclose(plane.at(*at), point, atol=1e-12)
    found = Landscape(grid=5).look(show(Bowl(50), points[-1], 8, trail=trail(points)))
    assert found.metrics["landscape/in_plane"] == pytest.approx(1)
    with (tmp_path / "diagnostics/landscape/plane_epoch_0008.csv").open() as file:
        rows = [tuple(map(float, row.values())) for row in csv.DictReader(file)]
    assert len(rows) == 25
    for alpha, beta, cost in rows:
        assert cost == pytest.approx(0.5 * float(np.sum(plane.at(alpha, beta) ** 2)), rel=1e-10)


def test_main_directions_are_the_longest(show: Show) -> None:
    points = np.zeros((4, 5))
    points[:3, 0], points[1, 1], points[2, 2] = [9, 6, 3], 1.0, 0.01
    plane = Plane.through(points)
    assert np.abs(plane.directions[0]).argmax() == 0
    assert np.abs(plane.directions[1]).argmax() == 1
    assert plane.share > 0.999


@pytest.mark.parametrize(("size", "cards"), [(1, 2), (2, 2)])
def test_few_variables_and_few_points(size: int, cards: int, show: Show) -> None:
    points = np.linspace(1, 0.5, 4)[:, None] * np.arange(1, size + 1)
    found = Landscape(grid=4).look(show(Bowl(size), points[-1], 3, trail=trail(points)))
    assert sum(name.startswith("images/") for name in found.files) == cards
    assert ("landscape/in_plane" in found.metrics) == (size > 1)
    assert not Landscape().look(show(Bowl(size), points[0], trail=trail(points[:1]))).files
