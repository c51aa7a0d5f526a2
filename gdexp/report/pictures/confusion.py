"""Which classes networks take for which others."""

from typing import TYPE_CHECKING

import numpy as np

from gdexp.report.content import Content
from gdexp.report.pictures.style import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(content: Content, figure: "Figure") -> None:
    """Draw a table of confusion for each network that has one."""
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
        axes.set(xlabel="taken for", title=plain(content.rows[each.variant].variant.label))
    panels[0].set_ylabel("class")
