"""Draw the pictures of docs/data.md: each of a run as the page tells one to type it.

``python -m benchmarks.data_pictures`` makes all of them (a minute; MNIST has to be there).
"""

import csv
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.mnist import load
from gdexp.data import Houses, Images

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "data.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def command(start: str) -> str:
    """Give the first command of the page that starts so."""
    return next(line for line in PAGE.splitlines() if line.startswith(f"python -m gdexp {start}"))


def run(line: str, folder: Path) -> Path:
    """Run a command in a folder, and give the run's own folder."""
    words = [*shlex.split(line)[1:], "tracking=off", f"outputs={folder / 'outputs'}"]
    subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True)
    return max((folder / "outputs" / "runs").glob("*/*"))


def column(run: Path, name: str) -> list[float]:
    """Read a figure of every epoch."""
    with (run / "history.csv").open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def table(folder: Path) -> None:
    """Draw the curves of a table."""
    found = run(command("data=csv"), folder)
    figure = Figure((7, 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("cost_mean", "accuracy"), strict=True):
        for part in ("train", "val", "test"):
            axes.plot(column(found, f"{part}/{name}"), label=part)
        axes.set(xlabel="epoch", ylabel=name.replace("_mean", ", mean"))
    figure.axes[0].legend()
    save(figure, "data-csv", "data=csv data.path=iris.csv data.target=species")


def images(folder: Path) -> None:
    """Draw MNIST's curve from IDX files, and over it that from PNG files; and some of these."""
    line = command("data=images")
    idx = run(line.replace("data=images data.path=pngs", "data=mnist data.root=mnist"), folder)
    png = run(line, folder)
    figure = Figure((7, 2.8), layout="constrained")
    curves, grid = figure.subplots(1, 2)
    curves.plot(column(idx, "val/cost_mean"), lw=6, color="0.8", label="data=mnist")
    curves.plot(column(png, "val/cost_mean"), lw=1.5, label="data=images")
    curves.set(xlabel="epoch", ylabel="validation cost, mean", yscale="log")
    curves.legend()
    first = Images(str(folder / "pngs")).load().train.inputs[:32].reshape(4, 8, 28, 28)
    grid.imshow(first.transpose(0, 2, 1, 3).reshape(4 * 28, 8 * 28), cmap="gray_r")
    grid.set_axis_off()
    save(figure, "data-images", "MNIST as PNG files, and as IDX files")


def houses(folder: Path) -> None:
    """Draw the houses, the line that a run fits to them, and the one that they were drawn from."""
    model = np.load(run(command("data=houses"), folder) / "model.npz")
    data, sizes = Houses().load(), np.array([40.0, 200.0])
    shift, spread = data.shift[0], data.spread[0]
    figure = Figure((7, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, part in data.parts.items():
        axes.plot(part.inputs[:, 0] * spread + shift, part.labels, ".", label=name)
    fitted = model["w1"][0, 0] * (sizes - shift) / spread + model["b1"][0]
    axes.plot(sizes, fitted, "k", label="fitted")
    axes.plot(sizes, Houses.a + Houses.b * sizes, "k:", label="the line they were drawn from")
    axes.set(xlabel="size, m²", ylabel="price, thousands")
    axes.legend()
    save(figure, "data-houses", "data=houses: generated")


def save(figure: Any, name: str, title: str) -> None:
    """Write a picture where the page shows it."""
    figure.suptitle(title, fontsize="medium")
    figure.savefig(DOCS / "images" / f"{name}.png", dpi=110, metadata={"Software": None})


def main() -> None:
    """Make the page's files in a folder of their own, and draw."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mnist").symlink_to(load().source)
        for snippet in SNIPPETS:
            subprocess.run([sys.executable, "-c", snippet], cwd=folder, check=True)
        for picture in (table, images, houses):
            picture(folder)


if __name__ == "__main__":
    main()
