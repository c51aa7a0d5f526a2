"""What pictures and tables a run leaves, by what it minimised."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gdexp.figures.line import draw_line, write_coefficients
from gdexp.figures.path import draw_path, write_path
from gdexp.problems import LinearRegression, Surface


def keep(
    problem: object, history: Sequence[Mapping[str, float]], v: NDArray[Any], folder: Path
) -> Iterator[str]:
    """Write the path on a function, or coefficients and line of a regression; of others nothing.

    Parameters
    ----------
    problem : object
        Says whether there is to be a picture.
    history : sequence of mapping
        What was logged with each measurement: epoch, cost and figures, by their names.
    v : ndarray, shape (p,)
        Where the descent ended.
    folder : Path

    Yields
    ------
    str
        The name of each file, once it is written.

    Raises
    ------
    GdexpError
        Where a picture is wanted, and matplotlib is not installed.
    OSError
        Where a file cannot be written.
    """
    if isinstance(problem, Surface):
        points = write_path(problem.function, history, folder / "path.csv")
        yield "path.csv"
        if problem.drawn:
            draw_path(problem.function, points, folder / "path.png")
            yield "path.png"
    if isinstance(problem, LinearRegression):
        write_coefficients(problem, v, folder / "coefficients.csv")
        yield "coefficients.csv"
        if problem.drawn:
            draw_line(problem, v, folder / "line.png")
            yield "line.png"
