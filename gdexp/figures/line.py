"""A fitted line among the examples that it was fitted to."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.figures.canvas import canvas
from gdexp.problems import LinearRegression

SETS = {
    "train": ("training", "#4e79a7"),
    "val": ("validation", "#f28e2b"),
    "test": ("test", "#59a14f"),
}
LINE = "#b3261e"
MOST = 2000  # examples of a set that are drawn


def write_coefficients(problem: LinearRegression, v: NDArray[Any], file: Path) -> None:
    """Write a and each b in original units, beside those of the closed form.

    Raises
    ------
    OSError
        Where the file cannot be written.
    """
    best = problem.coefficients(problem.closed_form)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["coefficient", "value", "closed_form"])
        for name, value in problem.coefficients(v).items():
            writer.writerow([name, value, best[name]])


def draw_line(problem: LinearRegression, v: NDArray[Any], file: Path) -> None:
    """Draw ŷ over the feature, in its original units; of several features, ŷ against y.

    Parameters
    ----------
    problem : LinearRegression
    v : ndarray, shape (p,)
        The line: a, b.
    file : Path
        What to write; its suffix says in which format.

    Raises
    ------
    GdexpError
        Where matplotlib is not installed.
    OSError
        Where the file cannot be written.
    """
    dataset, one = problem.dataset, problem.size == 2
    (shift, *_), (spread, *_) = dataset.shift or (0.0,), dataset.spread or (1.0,)
    ends: list[float] = []
    with canvas(problem.title, file) as axes:
        for part, examples in dataset.parts.items():
            inputs = examples.x(slice(0, min(len(examples), MOST)))
            y = examples.labels[:MOST]
            across = shift + spread * inputs[:, 0] if one else y
            up = y if one else problem.outputs(v, inputs)
            name, colour = SETS[part]
            axes.scatter(across, up, s=10, color=colour, label=name, alpha=0.7)
            ends += [float(end(across)) for end in (np.min, np.max) if len(across)]
        line = np.array([min(ends), max(ends)])
        drawn = problem.outputs(v, ((line - shift) / spread)[:, None]) if one else line
        axes.plot(line, drawn, color=LINE, label="ŷ" if one else "ŷ = y")
        axes.set(xlabel=problem.features[0] if one else "y", ylabel="y" if one else "ŷ")
        axes.legend()
