"""The figures as pictures, for Markdown: the same bytes from the same data."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gdexp.labels import COLOURS
from gdexp.report.charts import DASHES, SYMBOLS
from gdexp.report.content import Content, Row
from gdexp.report.curves import drawable

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
Drawer = Callable[[Content, "Figure"], None]


def draw(content: Content, folder: Path) -> dict[str, str]:
    """Draw what there are data for.

    Parameters
    ----------
    content : Content
    folder : Path

    Returns
    -------
    dict of str to str
        By figure, the name of its file in the folder.

    Raises
    ------
    OSError
        Where a file cannot be written.
    """
    drawn = {}
    for name, (size, drawer) in _wanted(content).items():
        with _figure(size, folder / f"{name}.png") as figure:
            drawer(content, figure)
        drawn[name] = f"{name}.png"
    for at, each in enumerate(content.mistakes):
        if each.sheet:
            drawn[f"mistakes-{at}"] = f"mistakes-{at}.png"
            (folder / f"mistakes-{at}.png").write_bytes(each.sheet)
    return drawn


def _wanted(content: Content) -> dict[str, tuple[tuple[float, float], Drawer]]:
    rows = 1.2 + 0.3 * min(len(content.rows), MOST_ROWS)
    wanted: dict[str, tuple[tuple[float, float], Drawer]] = {}
    for kind in ("accuracy", "cost"):
        if names := drawable(content.curves, kind):
            wanted[kind] = ((9, 6.6), _curves(names[0]))
    if len(content.rows) > 1:
        wanted["best"] = ((9, rows), _best)
    if content.lines:
        wanted["learning-rate"] = ((9, 4.5), _lines)
    if content.target is not None:
        wanted["target"] = ((9, rows), _target)
    for at in range(len(content.surfaces)):
        wanted[f"surface-{at}"] = ((8, 6.4), _surface(at))
    if content.mistakes:
        wanted["confusion"] = ((4.2 * len(content.mistakes), 4.4), _confusion)
    return wanted


@contextmanager
def _figure(size: tuple[float, float], file: Path) -> Iterator["Figure"]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        figure.savefig(file, dpi=110, metadata={"Software": None})


_STYLE: Any = {
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


def _style(at: int) -> str:
    return STYLES[DASHES[at // len(COLOURS) % len(DASHES)]]


def _curves(metric: str) -> Drawer:
    """Draw a metric on all four axes."""

    def drawer(content: Content, figure: "Figure") -> None:
        panels = figure.subplots(2, 2, sharey=True)
        handles: dict[str, Any] = {}
        for axes, (axis, words) in zip(panels.flat, AXES.items(), strict=True):
            for each in content.curves[:MOST_LINES]:
                if metric not in each.y or axis not in each.x:
                    continue
                row, x, y = content.rows[each.variant], each.x[axis], each.y[metric]
                x = np.where(x > 0, x, np.nan) if axis == "updates" else x
                (line,) = axes.plot(x, y.mean, color=row.colour, linestyle=_style(each.variant))
                handles.setdefault(_plain(row.variant.label), line)
                if each.seeds > 1:
                    axes.fill_between(x, y.low, y.high, color=row.colour, alpha=0.15, linewidth=0)
            axes.set(xlabel=words, **({"xscale": "log"} if axis == "updates" else {}))
        _values(panels[0, 0], metric.endswith("accuracy"), "y")
        figure.supylabel(_words(metric), fontsize=9, color=QUIET)
        columns = 5 if all(len(name) < 16 for name in handles) else 3
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=columns)

    return drawer


def _words(metric: str) -> str:
    part, _, kind = metric.partition("/")
    parts = {"val": "validation", "test": "test", "train": "training"}
    return f"{parts[part]} {'accuracy' if kind == 'accuracy' else 'cost, mean'}"


def _values(axes: "Axes", share: bool, which: str, *, log: bool = True) -> None:
    """Set out an axis of results: shares in per cent, costs by logarithm."""
    from matplotlib.ticker import PercentFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    if share:
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    elif log:
        (axes.set_yscale if which == "y" else axes.set_xscale)("log")


def _rows(axes: "Axes", rows: Sequence[Row]) -> None:
    """Set out an axis of configurations, the first at the top."""
    axes.set_yticks(range(len(rows)), [_plain(row.variant.label) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def _best(content: Content, figure: "Figure") -> None:
    axes, rows = figure.add_subplot(), content.rows[:MOST_ROWS]
    share = content.measure.higher
    known = [value for row in rows for value in row.values if math.isfinite(value)]
    wide = not share and bool(known) and min(known) > 0 and max(known) > 30 * min(known)
    _rows(axes, rows)
    _values(axes, share, "x", log=wide)
    for at, row in enumerate(rows):
        low, high = row.result.low, row.result.high
        if math.isfinite(low) and not (wide and low <= 0):
            axes.plot([low, high], [at, at], color=row.colour, linewidth=7, alpha=0.3)
        axes.plot(row.values, [at] * len(row.values), "o", color=row.colour, markersize=5)
        axes.plot([row.result.mean], [at], "|", color="#1b1f24", markersize=13, markeredgewidth=1.8)
    if share:
        left, right = axes.get_xlim()
        axes.set_xlim(max(left, -0.01), min(right, 1.01))
    axes.set_xlabel(content.measure.words)


def _lines(content: Content, figure: "Figure") -> None:
    axes = figure.add_subplot()
    for at, line in enumerate(content.lines[:MOST_LINES]):
        halves = np.array([each.half for each in line.found])
        axes.errorbar(
            line.etas,
            [each.mean for each in line.found],
            yerr=None if np.isnan(halves).all() else np.nan_to_num(halves),
            color=COLOURS[at % len(COLOURS)],
            marker=MARKERS[SYMBOLS[at % len(SYMBOLS)]],
            capsize=3,
            elinewidth=1,
            label=_plain(line.label),
        )
    means = [each.mean for line in content.lines for each in line.found]
    known = [mean for mean in means if mean > 0]
    share = content.measure.higher
    _values(axes, share, "y", log=bool(known) and max(known) > 30 * min(known))
    if share:
        axes.set_ylim(max(axes.get_ylim()[0], -0.01), min(axes.get_ylim()[1], 1.01))
    etas = sorted({eta for line in content.lines for eta in line.etas})
    axes.set(xscale="log", xlabel="learning rate eta", ylabel=content.measure.words)
    axes.set_xticks(etas, [f"{eta:g}" for eta in etas])
    axes.set_xticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=4)


def _target(content: Content, figure: "Figure") -> None:
    assert content.target is not None
    rows = content.rows[:MOST_ROWS]
    known = {
        name for each in content.target.arrivals for name, found in each.spent.items() if found
    }
    shown = ["updates" if "updates" in known else "epochs", *known & {"seconds"}]
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, shown, strict=True):
        _rows(axes, rows)
        for each in content.target.arrivals[: len(rows)]:
            values, colour = each.spent.get(name, []), rows[each.variant].colour
            if values:
                axes.barh(each.variant, each.mean(name), 0.6, color=colour, alpha=0.45)
                axes.plot(values, [each.variant] * len(values), "o", color=colour, markersize=4)
        axes.set_xlabel(AXES[name].removesuffix(" (log)"))
        axes.set_xlim(0, 1.1 * axes.get_xlim()[1])
    for each in content.target.arrivals[: len(rows)]:
        panels[-1].annotate(
            f"{each.reached}/{each.seeds}",
            (1, each.variant),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            color=QUIET,
            fontsize=8,
        )


def _surface(number: int) -> Drawer:
    def drawer(content: Content, figure: "Figure") -> None:
        surface, axes = content.surfaces[number], figure.add_subplot()
        axes.grid(visible=False)
        if len(surface.names) == 2:
            shares = np.ma.masked_invalid(surface.shares)
            axes.contourf(*surface.grid, shares, np.linspace(0, 1, 25), cmap="viridis")
            axes.set_ylabel(surface.names[1])
        else:
            axes.plot(surface.grid[0], surface.cost, color=QUIET)
            axes.set_ylabel("C")
        for at, path in list(surface.paths.items())[:MOST_LINES]:
            row = content.rows[at]
            x, y = path[:, 0], path[:, 1] if path.shape[1] == 2 else surface.costs[at]
            axes.plot(x, y, color="white", linewidth=3.2)
            axes.plot(x, y, color=row.colour, linestyle=_style(at), label=_plain(row.variant.label))
            axes.plot(x[0], y[0], "o", color="white", markeredgecolor="black")
            axes.plot(x[-1], y[-1], "*", color=row.colour, markeredgecolor="black", markersize=11)
        axes.set_xlim(surface.grid[0][0], surface.grid[0][-1])
        if len(surface.names) == 2:
            axes.set_ylim(surface.grid[1][0], surface.grid[1][-1])
        else:
            known = surface.cost[np.isfinite(surface.cost)]
            margin = 0.05 * (np.ptp(known) or 1.0)
            axes.set_ylim(known.min() - margin, known.max() + margin)
        axes.set(xlabel=surface.names[0], title=surface.title)
        figure.legend(loc="outside lower center", ncols=3)

    return drawer


def _confusion(content: Content, figure: "Figure") -> None:
    panels = figure.subplots(1, len(content.mistakes), squeeze=False)[0]
    for axes, each in zip(panels, content.mistakes, strict=True):
        shares = np.array(each.shares)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.2)
        axes.grid(visible=False)
        axes.set_xticks(range(len(each.names)), each.names)
        axes.set_yticks(range(len(each.names)), each.names)
        if len(each.names) <= 12:
            for (i, j), number in np.ndenumerate(each.counts):
                if number:
                    colour = "white" if shares[i, j] > 0.6 else "black"
                    axes.text(j, i, f"{number}", ha="center", va="center", color=colour, size=7)
        axes.set(xlabel="taken for", title=_plain(content.rows[each.variant].variant.label))
    panels[0].set_ylabel("class")


def _plain(text: str) -> str:
    """Keep Matplotlib from reading formulas into names, and names from filling the picture."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return short.replace("$", r"\$")
