"""What configurations reached: results, learning rates, and the way to a target."""

import math
from typing import TYPE_CHECKING

import numpy as np

from gdexp.labels import COLOURS
from gdexp.report.content import Content
from gdexp.report.pictures.style import (
    AXES,
    MOST_LINES,
    MOST_ROWS,
    QUIET,
    configurations,
    marker,
    plain,
    scale,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def best(content: Content, figure: "Figure") -> None:
    """Draw what each configuration reached: its seeds, their mean and its interval."""
    axes, rows = figure.add_subplot(), content.rows[:MOST_ROWS]
    share = content.measure.higher
    known = [value for row in rows for value in row.values if math.isfinite(value)]
    wide = not share and bool(known) and min(known) > 0 and max(known) > 30 * min(known)
    configurations(axes, rows)
    scale(axes, share, "x", log=wide)
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


def lines(content: Content, figure: "Figure") -> None:
    """Draw what was reached by the learning rate."""
    axes = figure.add_subplot()
    for at, line in enumerate(content.lines[:MOST_LINES]):
        halves = np.array([each.half for each in line.found])
        axes.errorbar(
            line.etas,
            [each.mean for each in line.found],
            yerr=None if np.isnan(halves).all() else np.nan_to_num(halves),
            color=COLOURS[at % len(COLOURS)],
            marker=marker(at),
            capsize=3,
            elinewidth=1,
            label=plain(line.label),
        )
    means = [each.mean for line in content.lines for each in line.found]
    known = [mean for mean in means if mean > 0]
    share = content.measure.higher
    scale(axes, share, "y", log=bool(known) and max(known) > 30 * min(known))
    if share:
        axes.set_ylim(max(axes.get_ylim()[0], -0.01), min(axes.get_ylim()[1], 1.01))
    etas = sorted({eta for line in content.lines for eta in line.etas})
    axes.set(xscale="log", xlabel="learning rate eta", ylabel=content.measure.words)
    axes.set_xticks(etas, [f"{eta:g}" for eta in etas])
    axes.set_xticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=4)


def target(content: Content, figure: "Figure") -> None:
    """Draw what each configuration spent on the way to the target, and how many seeds got there."""
    assert content.target is not None
    rows = content.rows[:MOST_ROWS]
    known = {
        name for each in content.target.arrivals for name, found in each.spent.items() if found
    }
    shown = ["updates" if "updates" in known else "epochs", *known & {"seconds"}]
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, shown, strict=True):
        configurations(axes, rows)
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
