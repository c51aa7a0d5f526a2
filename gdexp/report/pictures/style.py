"""What all pictures have in common: a figure in one style, colours, and axes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.labels import COLOURS
from gdexp.report.charts import DASHES, SYMBOLS
from gdexp.report.content import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = {
    "epochs": "epoch",
    "updates": "updates (log)",
    "examples": "examples seen",
    "seconds": "seconds of training",
}
STYLES = dict(zip(DASHES, ("-", "--", ":", "-."), strict=True))
MARKERS = dict(zip(SYMBOLS, ("o", "s", "D", "^", "P", "X"), strict=True))
MOST_LINES, MOST_ROWS = 10, 24  # of a picture, which nobody can thin out by a click
QUIET = "#57606a"


@contextmanager
def figure(size: tuple[float, float], file: Path) -> Iterator["Figure"]:
    """Have a figure drawn on, and write it to a file."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        drawn = Figure(figsize=size, layout="constrained")
        yield drawn
        drawn.savefig(file, dpi=110, metadata={"Software": None})


_SETTINGS: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8c959f",
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.titlesize": 10,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#e6eaee",
    "legend.frameon": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


def style(at: int) -> str:
    """Give the style of a line: colours come again in another one."""
    return STYLES[DASHES[at // len(COLOURS) % len(DASHES)]]


def marker(at: int) -> str:
    """Give the marker of a line's points."""
    return MARKERS[SYMBOLS[at % len(SYMBOLS)]]


def scale(axes: "Axes", share: bool, which: str, *, log: bool = True) -> None:
    """Set out an axis of results: shares in per cent, costs by logarithm."""
    from matplotlib.ticker import PercentFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    if share:
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    elif log:
        (axes.set_yscale if which == "y" else axes.set_xscale)("log")


def configurations(axes: "Axes", rows: Sequence[Row]) -> None:
    """Set out an axis of configurations, the first at the top."""
    axes.set_yticks(range(len(rows)), [plain(row.variant.label) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def plain(text: str) -> str:
    """Keep Matplotlib from reading formulas into names, and names from filling the picture."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return short.replace("$", r"\$")
