"""A figure to draw on, of the same size everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gdexp.errors import GdexpError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@contextmanager
def canvas(title: str, file: Path) -> Iterator["Axes"]:
    """Give axes to draw on, and write them to a file afterwards.

    Raises
    ------
    GdexpError
        Where matplotlib is not installed.
    OSError
        Where the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        told = "Pictures need matplotlib. Got none: pip install matplotlib."
        raise GdexpError(told) from None
    figure = Figure(figsize=(6, 4.8), layout="constrained")
    axes = figure.add_subplot()
    yield axes
    axes.set_title(title if len(title) <= 70 else f"{title[:67]}...", fontsize=10)
    figure.savefig(file, dpi=120)
