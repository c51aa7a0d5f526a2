"""Draw the picture of docs/streams.md, of the run that the page tells one to type first.

``python -m benchmarks.stream_pictures`` takes a few seconds.
"""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.data_pictures import column, run, save
from gdexp.data.streams import Distorted

COMMAND = "python -m gdexp optimizer=stream"


def main() -> None:
    """Run the command, and draw its running means and some of what it saw."""
    with tempfile.TemporaryDirectory() as name:
        draw(run(COMMAND, Path(name)))


def draw(found: Path) -> None:
    """Draw the curves of a run, beside the first images of its stream."""
    figure = Figure((9, 2.8), layout="constrained")
    costs, accuracies, grid = figure.subplots(1, 3)
    seen = column(found, "progress/examples")
    for label, means in {"last 1,000": "train", "weighted": "weighted", "all": "all"}.items():
        for axes, what in ((costs, "cost"), (accuracies, "accuracy")):
            windowed = f"train/{what}" + ("_mean" if what == "cost" else "")
            figures = windowed if means == "train" else f"stream/{what}_{means}"
            axes.plot(seen, column(found, figures), label=label)
    for part in ("val", "test"):
        accuracies.plot(seen, column(found, f"{part}/accuracy"), ":", label=part)
    costs.set(xlabel="examples seen", ylabel="cost, running mean")
    accuracies.set(xlabel="examples seen", ylabel="accuracy", ylim=(0.5, 1))
    costs.legend()
    accuracies.legend()
    stream = Distorted(seed=0, rotation=10, shift=0.5, noise=0.05, enough=1).open("fail")
    first = next(iter(stream.batches(48, 48, None)))
    assert first is not None
    images = np.pad(first.inputs.reshape(6, 8, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    grid.imshow(images.transpose(0, 2, 1, 3).reshape(60, 80), cmap="gray_r")
    grid.set_axis_off()
    save(figure, "stream", COMMAND.removeprefix("python -m "))


if __name__ == "__main__":
    main()
