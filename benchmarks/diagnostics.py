"""What a look of each diagnostic takes: ``python -m benchmarks.diagnostics``.

The book's first set-up, 784-30-10 on MNIST, in float32 and on one BLAS thread; medians, after an
epoch of training, with the settings of the menu. The table goes into docs/diagnostics.md.
"""

import importlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from threadpoolctl import threadpool_limits

from benchmarks import mnist, section
from benchmarks.document import put, table
from gdexp.descent import Epoch, MiniBatch, Scaling, State, descent
from gdexp.diagnostics import Diagnostic, Inspection

DOC, TABLE = "diagnostics.md", "python -m benchmarks.diagnostics"
MENU = Path(__file__).parents[1] / "conf" / "diagnostics"


def options() -> dict[str, Diagnostic]:
    """Give every option of the menu, with its own settings."""
    found = {}
    for file in sorted(MENU.glob("*.yaml")):
        settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        module, _, name = settings.pop("_target_").rpartition(".")
        settings["every"] = 0  # only at the end
        made: Diagnostic = getattr(importlib.import_module(module), name)(**settings)
        found[file.stem] = made
    return found


def main(rounds: int) -> list[str]:
    """Measure all; gives the table."""
    dataset = mnist.load()
    problem, exact = (mnist.network(dataset, [30], dtype) for dtype in ("float32", "float64"))
    with threadpool_limits(1):
        section.step("an epoch")
        state, epochs, points = State.begin(problem, 0), [], []
        for epoch in descent(problem, MiniBatch(10), Scaling(), state, eta=3.0, epochs=2):
            epochs.append(epoch)
            points.append(state.v.copy())
        training = epochs[-1].seconds / 2
        rows = [["(an epoch of training, `engine=reference`)", f"{training:.2f}", ""]]
        for name, diagnostic in options().items():
            section.step(name)
            looks = [_look(name, diagnostic, problem, exact, epochs, points) for _ in range(rounds)]
            seconds = statistics.median(taken for taken, _ in looks)
            rows.append([f"`{name}`", f"{seconds:.2f}", f"{looks[0][1] / 1000:.0f}"])
    return table(["a look of", "s", "kB written"], rows)


def _look(
    name: str,
    diagnostic: Diagnostic,
    problem: Any,
    exact: Any,
    epochs: list[Epoch],
    points: list[np.ndarray[Any, Any]],
) -> tuple[float, int]:
    """Give the seconds of a look at the last of three points, and the bytes that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        inspection = Inspection({name: diagnostic}, problem, exact, Path(folder), 0)
        for epoch, v in zip(epochs, points, strict=True):
            inspection.after(epoch, v)  # none is due: the way alone is kept
        began = time.perf_counter()
        found = inspection.after(epochs[-1], points[-1], last=True)
        taken = time.perf_counter() - began
        return taken, sum((Path(folder) / name).stat().st_size for name in found.files)


if __name__ == "__main__":
    given = section.arguments(__doc__).parse_args()
    lines = main(given.rounds)
    print("\n".join(lines))
    if not given.dry:
        put(DOC, TABLE, lines)
