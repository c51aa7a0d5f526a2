"""Which pictures there are data for, and the files that they are drawn into."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gdexp.report.content import Content
from gdexp.report.curves import drawable
from gdexp.report.pictures.confusion import confusion
from gdexp.report.pictures.curves import curves
from gdexp.report.pictures.results import best, lines, target
from gdexp.report.pictures.style import MOST_ROWS, figure
from gdexp.report.pictures.surface import surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
        with figure(size, folder / f"{name}.png") as drawing:
            drawer(content, drawing)
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
            wanted[kind] = ((9, 6.6), partial(curves, metric=names[0]))
    if len(content.rows) > 1:
        wanted["best"] = ((9, rows), best)
    if content.lines:
        wanted["learning-rate"] = ((9, 4.5), lines)
    if content.target is not None:
        wanted["target"] = ((9, rows), target)
    for at in range(len(content.surfaces)):
        wanted[f"surface-{at}"] = ((8, 6.4), partial(surface, number=at))
    if content.mistakes:
        wanted["confusion"] = ((4.2 * len(content.mistakes), 4.4), confusion)
    return wanted
