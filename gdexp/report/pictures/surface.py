"""Paths of descents on the surface of the cost."""

from typing import TYPE_CHECKING

import numpy as np

from gdexp.report.content import Content
from gdexp.report.pictures.style import MOST_LINES, QUIET, plain, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def surface(content: Content, figure: "Figure", number: int) -> None:
    """Draw a surface, seen from above, or a curve of the cost; and the paths that lead over it."""
    drawn, axes = content.surfaces[number], figure.add_subplot()
    axes.grid(visible=False)
    if len(drawn.names) == 2:
        shares = np.ma.masked_invalid(drawn.shares)
        axes.contourf(*drawn.grid, shares, np.linspace(0, 1, 25), cmap="viridis")
        axes.set_ylabel(drawn.names[1])
    else:
        axes.plot(drawn.grid[0], drawn.cost, color=QUIET)
        axes.set_ylabel("C")
    for at, path in list(drawn.paths.items())[:MOST_LINES]:
        row = content.rows[at]
        x, y = path[:, 0], path[:, 1] if path.shape[1] == 2 else drawn.costs[at]
        axes.plot(x, y, color="white", linewidth=3.2)
        axes.plot(x, y, color=row.colour, linestyle=style(at), label=plain(row.variant.label))
        axes.plot(x[0], y[0], "o", color="white", markeredgecolor="black")
        axes.plot(x[-1], y[-1], "*", color=row.colour, markeredgecolor="black", markersize=11)
    axes.set_xlim(drawn.grid[0][0], drawn.grid[0][-1])
    if len(drawn.names) == 2:
        axes.set_ylim(drawn.grid[1][0], drawn.grid[1][-1])
    else:
        known = drawn.cost[np.isfinite(drawn.cost)]
        margin = 0.05 * (np.ptp(known) or 1.0)
        axes.set_ylim(known.min() - margin, known.max() + margin)
    axes.set(xlabel=drawn.names[0], title=drawn.title)
    figure.legend(loc="outside lower center", ncols=3)
