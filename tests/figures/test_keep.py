"""Paths as tables and pictures, and lines among their examples."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdexp.data import Dataset, Examples
from gdexp.errors import GdexpError
from gdexp.figures import draw_path, keep
from gdexp.problems import Function, LinearRegression, Surface

BOWL = Function("v1**2 + v2**2")


def shown(file: Path) -> int:
    """Count the colours of a picture."""
    with Image.open(file) as image:
        return len(image.convert("RGB").getcolors(1 << 24) or [])


@pytest.mark.parametrize("formula", ["v1**2", "v1**2 + v2**2", "v1*v2 + v3", "log(v1) + 1/v2"])
@pytest.mark.parametrize("length", [1, 500])
def test_paths_of_any_length_and_size_are_drawn(formula: str, length: int, tmp_path: Path) -> None:
    function = Function(formula)
    points = np.random.default_rng(0).uniform(-1, 1, (length, len(function.variables)))
    draw_path(function, points, tmp_path / "path.png")
    assert shown(tmp_path / "path.png") > 10


@pytest.mark.parametrize("formula", ["v1**2", "v1**2 + v2**2", "v1 + v2 + v3"])
def test_a_path_that_leaves_for_infinity_is_drawn_all_the_same(
    formula: str, tmp_path: Path
) -> None:
    function = Function(formula)
    points = np.multiply.outer(
        [1.0, -10.0, 1e200, np.inf, np.nan], np.ones(len(function.variables))
    )
    draw_path(function, points, tmp_path / "path.png")
    assert shown(tmp_path / "path.png") > 10


def test_a_function_that_is_flat_is_drawn_too(tmp_path: Path) -> None:
    draw_path(Function("0*x + 0*y + 1 + x - x + y - y"), np.zeros((3, 2)), tmp_path / "path.png")
    assert shown(tmp_path / "path.png") > 10


def test_the_table_holds_the_path(tmp_path: Path) -> None:
    history = [
        {"epoch": 0, "train/cost_sum": 5.0, "v/v1": 1.0, "v/v2": 2.0},
        {"epoch": 3, "train/cost_sum": 0.01, "v/v1": 0.1, "v/v2": 0.0},
    ]
    v = np.zeros(2)
    assert list(keep(Surface(BOWL), history, v, tmp_path)) == ["path.csv"]
    with (tmp_path / "path.csv").open() as file:
        rows = list(csv.reader(file))
    expected = [["epoch", "v1", "v2", "C"], ["0", "1.0", "2.0", "5.0"], ["3", "0.1", "0.0", "0.01"]]
    assert rows == expected
    drawn = Surface(BOWL, drawn=True)
    assert list(keep(drawn, history, v, tmp_path)) == ["path.csv", "path.png"]


@pytest.mark.parametrize("features", [1, 3])
def test_a_line_is_drawn(features: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    part = Examples(rng.standard_normal((30, features)), rng.standard_normal(30))
    none = Examples(np.empty((0, features)), np.empty(0))
    data = Dataset("drawn", part, part, none, classes=0, source="drawn")
    problem = LinearRegression(data, drawn=True)
    v = problem.start(rng)
    assert list(keep(problem, [], v, tmp_path)) == ["coefficients.csv", "line.png"]
    assert shown(tmp_path / "line.png") > 10
    assert list(keep(LinearRegression(data), [], v, tmp_path)) == ["coefficients.csv"]
    lines = (tmp_path / "coefficients.csv").read_text().splitlines()
    assert lines[0] == "coefficient,value,closed_form"
    best = problem.coefficients(problem.closed_form)
    assert lines[1:] == [f"{name},0.0,{value!r}" for name, value in best.items()]


def test_a_picture_without_matplotlib_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(GdexpError, match=r"need matplotlib. Got none: pip install matplotlib"):
        draw_path(BOWL, np.zeros((1, 2)), tmp_path / "path.png")
