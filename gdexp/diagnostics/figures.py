"""Figures, drawn without a display."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

MOST_NUMBERS = 20  # classes; the counts of more would not be legible


def confusion(counts: NDArray[np.int64], names: Sequence[str], title: str) -> "Image.Image":
    """Draw a confusion matrix: shades by the share of the class, figures by count."""
    figure = _figure(6, 5.6)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="taken for", ylabel="class", title=title)
    if len(names) <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, size=8)
    return _image(figure)


def landscape(
    line: tuple[NDArray[Any], NDArray[Any]],
    plane: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None,
    path: NDArray[Any],
    title: str,
) -> "Image.Image":
    """Draw the cost along a line, (t, C), and on a plane, (α, β, C), with the path in it."""
    figure = _figure(11 if plane else 5.6, 4.8)
    axes = figure.add_subplot(1, 2 if plane else 1, 1)
    axes.plot(*line, color="tab:blue")
    for t, name in ((0, "start"), (1, "end")):
        axes.axvline(t, color="grey", lw=0.8, ls=":")
        axes.annotate(name, (t, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom")
    axes.set(xlabel="t in start + t (end − start)", ylabel="mean cost")
    if plane:
        _plane(figure, plane, path)
    figure.suptitle(title)
    return _image(figure)


def _plane(
    figure: "Figure", plane: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], path: NDArray[Any]
) -> None:
    alpha, beta, cost = plane
    axes = figure.add_subplot(1, 2, 2)
    shown = np.ma.masked_invalid(cost)
    low, high = float(shown.min()), float(shown.max())
    by_ratio = low > 0 and high / low > 20
    levels = (np.geomspace if by_ratio else np.linspace)(low, max(high, low + 1e-12), 25)
    norm = "log" if by_ratio else None
    filled = axes.contourf(alpha, beta, shown, levels, cmap="viridis", norm=norm)
    figure.colorbar(filled, ax=axes, label="mean cost", ticks=levels[::4], format="%.2g")
    axes.plot(path[:, 0], path[:, 1], color="white", marker=".", ms=4, lw=1)
    axes.plot(*path[0], "o", color="white", label="start")
    axes.plot(*path[-1], "*", color="red", ms=10, label="end")
    axes.set(xlabel="first main direction", ylabel="second main direction")
    axes.legend(loc="best", facecolor="lightgrey")


def ramp(
    eta: NDArray[Any], cost: NDArray[Any], smooth: NDArray[Any], marks: dict[str, float], title: str
) -> "Image.Image":
    """Draw cost against learning rate, the marks as vertical lines."""
    figure = _figure(7.5, 4.8)
    axes = figure.add_subplot()
    axes.plot(eta, cost, color="lightsteelblue", lw=1, label="cost")
    axes.plot(eta, smooth, color="tab:blue", label="smoothed")
    for (name, at), colour in zip(marks.items(), ("tab:green", "black", "tab:red"), strict=False):
        axes.axvline(at, color=colour, ls="--", label=f"{name}: {at:.3g}")
    axes.set(xscale="log", xlabel="learning rate η", ylabel="mean cost", title=title)
    if smooth.min() > 0 and smooth.max() / smooth.min() > 50:
        axes.set_yscale("log")
    axes.legend()
    return _image(figure)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def _image(figure: "Figure") -> "Image.Image":
    from PIL import Image

    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return Image.open(drawn).convert("RGB")
