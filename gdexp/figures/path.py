"""The path of a descent on a function of a few variables."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdexp.figures.canvas import canvas
from gdexp.problems import Function

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID, LEVELS = 200, 24
MOST_DOTS = 200  # points of a path that are marked one by one
BEYOND = 0.5  # of the function's range: how far a picture follows a path out of it
LINE, START, END = "#ff5a4e", "white", "#ffd54f"


def write_path(
    function: Function, history: Sequence[Mapping[str, float]], file: Path
) -> NDArray[np.float64]:
    """Write where a descent has been as a table: epoch, v and C.

    Parameters
    ----------
    function : Function
    history : sequence of mapping
        What was logged with each measurement: epoch, cost and v, by their names.
    file : Path

    Returns
    -------
    ndarray, shape (k, p)
        The points.

    Raises
    ------
    OSError
        Where the file cannot be written.
    """
    names = function.variables
    points = [[row[f"v/{name}"] for name in names] for row in history]
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["epoch", *names, "C"])
        for row, v in zip(history, points, strict=True):
            writer.writerow([row["epoch"], *v, row["train/cost_sum"]])
    return np.array(points)


def draw_path(function: Function, points: NDArray[Any], file: Path) -> None:
    """Draw the path of a descent: on contours, on the curve, or each variable by itself.

    Parameters
    ----------
    function : Function
        Of two variables: contours, by shares of the area below them. Of one: its curve. Of more:
        the variables over the measurements.
    points : ndarray, shape (k, p)
        Where the descent was. Those that are far from the function's range are not shown.
    file : Path
        What to write; its suffix says in which format.

    Raises
    ------
    GdexpError
        Where matplotlib is not installed.
    OSError
        Where the file cannot be written.
    """
    draw = {1: _curve, 2: _contours}.get(points.shape[1], _variables)
    with canvas(function.title, file) as axes:
        draw(axes, function, points)


def _contours(axes: "Axes", function: Function, points: NDArray[Any]) -> None:
    from matplotlib.colors import BoundaryNorm

    (x_low, y_low), (x_high, y_high) = drawn_range(function, points)
    x, y = np.linspace(x_low, x_high, GRID), np.linspace(y_low, y_high, GRID)
    cost = np.ma.masked_invalid(function.parsed.cost(np.meshgrid(x, y)))
    levels = np.unique(np.quantile(cost.compressed(), np.linspace(0, 1, LEVELS) ** 1.5))
    if len(levels) > 2:
        axes.contourf(x, y, cost, levels, cmap="viridis", norm=BoundaryNorm(levels, 256))
        axes.contour(x, y, cost, levels, colors="white", linewidths=0.3, alpha=0.6)
    _walk(axes, points[:, 0], points[:, 1])
    axes.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    axes.set(xlabel=function.variables[0], ylabel=function.variables[1])


def _curve(axes: "Axes", function: Function, points: NDArray[Any]) -> None:
    (low,), (high,) = drawn_range(function, points)
    x = np.linspace(low, high, 5 * GRID)
    cost = np.ma.masked_invalid(function.parsed.cost([x]))
    axes.plot(x, cost, color="tab:blue")
    _walk(axes, points[:, 0], function.parsed.cost([points[:, 0]]))
    least, most = float(cost.min()), float(cost.max())
    margin = 0.05 * (most - least) or 1.0
    axes.set(xlim=(low, high), ylim=(least - margin, most + margin))
    axes.set(xlabel=function.variables[0], ylabel="C")


def _variables(axes: "Axes", function: Function, points: NDArray[Any]) -> None:
    for name, values in zip(function.variables, points.T, strict=True):
        axes.plot(np.ma.masked_invalid(values), label=name)
    axes.set(xlabel="measurement")
    axes.legend()


def _walk(axes: "Axes", x: NDArray[Any], y: NDArray[Any]) -> None:
    """Draw a path, its start and its end."""
    marker = "." if len(x) <= MOST_DOTS else ""
    axes.plot(x, y, color=LINE, marker=marker, markersize=5, linewidth=1.5)
    for at, colour, name in ((0, START, "start"), (-1, END, "end")):
        style: dict[str, Any] = {"markersize": 8, "markeredgecolor": "black", "linestyle": "none"}
        axes.plot(x[at], y[at], marker="o", color=colour, label=name, **style)
    axes.legend(loc="upper right")


def drawn_range(function: Function, points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the function's range, made wider for points that are not far beyond it."""
    low, high = np.array(function.low), np.array(function.high)
    far = BEYOND * (high - low)
    near = points[((points >= low - far) & (points <= high + far)).all(axis=1)]
    if len(near):
        margin = 0.03 * (high - low)
        low = np.where(near.min(axis=0) < low, near.min(axis=0) - margin, low)
        high = np.where(near.max(axis=0) > high, near.max(axis=0) + margin, high)
    return low, high
