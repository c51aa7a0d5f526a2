"""Curves over epochs, updates, examples and seconds."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gdexp.report.content import Content
from gdexp.report.pictures.style import AXES, MOST_LINES, QUIET, plain, scale, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(content: Content, figure: "Figure", metric: str) -> None:
    """Draw a metric on all four axes."""
    panels = figure.subplots(2, 2, sharey=True)
    handles: dict[str, Any] = {}
    for axes, (axis, words) in zip(panels.flat, AXES.items(), strict=True):
        for each in content.curves[:MOST_LINES]:
            if metric not in each.y or axis not in each.x:
                continue
            row, x, y = content.rows[each.variant], each.x[axis], each.y[metric]
            x = np.where(x > 0, x, np.nan) if axis == "updates" else x
            (line,) = axes.plot(x, y.mean, color=row.colour, linestyle=style(each.variant))
            handles.setdefault(plain(row.variant.label), line)
            if each.seeds > 1:
                axes.fill_between(x, y.low, y.high, color=row.colour, alpha=0.15, linewidth=0)
        axes.set(xlabel=words, **({"xscale": "log"} if axis == "updates" else {}))
    scale(panels[0, 0], metric.endswith("accuracy"), "y")
    figure.supylabel(_words(metric), fontsize=9, color=QUIET)
    columns = 5 if all(len(name) < 16 for name in handles) else 3
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=columns)


def _words(metric: str) -> str:
    part, _, kind = metric.partition("/")
    parts = {"val": "validation", "test": "test", "train": "training"}
    return f"{parts[part]} {'accuracy' if kind == 'accuracy' else 'cost, mean'}"
