"""A search on digits beside a grid of 200 runs: what each finds, after how many runs and epochs.

``python -m benchmarks.search`` writes the table of docs/search.md, and the grid, which a test
compares a search with, into benchmarks/search_grid.csv.
"""

import csv
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import document, process, section
from gdexp.tracking import jobs
from gdexp.tracking.jobs import JobState
from gdexp.tracking.journal import Reader

GRID = Path(__file__).parent / "search_grid.csv"
BATCHES = (5, 10, 50, 100)
ETAS = 50  # from 0.1 to 20, each the same multiple of the one before
EPOCHS = 10
TRIALS = 40
STAGES = (10, 20, 40)
SEEDS = 5
SPACE = ("batch=5,10,50,100", "eta=tag(log,interval(0.1,20))", f"epochs={EPOCHS}")
KINDS = {
    "`search.sampler=random`": ("search.sampler=random",),
    "`search.sampler=tpe`": (),
    "and `search.pruner=median`": ("search.pruner=median",),
}
METRIC = "best/val_accuracy"


@dataclass(frozen=True)
class Found:
    """What one search found.

    Parameters
    ----------
    best : sequence of float
        The best accuracy after each of `STAGES`.
    epochs : int
        That it trained, in all.
    """

    best: list[float]
    epochs: int


def etas() -> list[float]:
    """Give the learning rates of the grid."""
    return [float(f"{0.1 * 200 ** (step / (ETAS - 1)):.3g}") for step in range(ETAS)]


def main() -> int:
    """Measure, and write down what was found."""
    with tempfile.TemporaryDirectory() as name:
        section.step(f"{ETAS * len(BATCHES)} runs")
        grid = _grid(Path(name).resolve() / "grid")
        found: dict[str, list[Found]] = {}
        for kind, words in KINDS.items():
            for seed in range(SEEDS):
                section.step(f"{kind}, seed {seed}")
                outputs = Path(name).resolve() / f"{len(found)}-{seed}"
                found.setdefault(kind, []).append(_search(outputs, seed, *words))
    lines = _lines(grid, found)
    print("\n".join(lines))
    document.put("search.md", "python -m benchmarks.search", lines)
    return 0


def _grid(outputs: Path) -> list[float]:
    words = [f"batch={','.join(map(str, BATCHES))}", f"eta={','.join(map(str, etas()))}"]
    states = _run(outputs, *words, f"epochs={EPOCHS}")
    with GRID.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["batch", "eta", METRIC])
        for job in states:
            accuracy = f"{job.metrics[METRIC]:.6f}"
            writer.writerow([job.varies["batch"], job.varies["eta"], accuracy])
    return [job.metrics[METRIC] for job in states]


def _search(outputs: Path, seed: int, *words: str) -> Found:
    own = ("sweeper=optuna", f"search.trials={TRIALS}", f"search.seed={seed}", *words)
    states = _run(outputs, *SPACE, *own, "launcher.workers=1")
    reached = [job.metrics.get(METRIC, 0.0) for job in states]
    return Found([max(reached[:stage]) for stage in STAGES], sum(map(_epochs, states)))


def _epochs(job: JobState) -> int:
    numbers = [record["epoch"] for record in Reader(job.folder).new() if record["kind"] == "epoch"]
    return max(map(int, numbers))


def _run(outputs: Path, *words: str) -> list[JobState]:
    process.python(["-m", "gdexp", "-m", *words, "tracking=off"], outputs, 2)
    return jobs.states(max(outputs.glob("sweeps/*/*")))


def _lines(grid: list[float], found: dict[str, list[Found]]) -> list[str]:
    rows = [["the grid", f"{len(grid) * EPOCHS:,}", "", "", f"{max(grid):.2%}"]]
    for kind, several in found.items():
        epochs = f"{statistics.median(each.epochs for each in several):,.0f}"
        best = [[each.best[at] for each in several] for at in range(len(STAGES))]
        cells = [f"{statistics.median(each):.2%} ({min(each):.2%})" for each in best]
        rows.append([kind, epochs, *cells])
    head = ["", "epochs trained", *(f"best after {stage} trials" for stage in STAGES)]
    return document.table(head, rows)


if __name__ == "__main__":
    sys.exit(main())
