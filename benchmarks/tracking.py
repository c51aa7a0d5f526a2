"""What tracking costs: whole commands against MLflow alone, in one run, wall-clock.

The bound is 1.2 times MLflow's bare price, and for 30 epochs of MNIST 3 s more on one core, 0.5 s
on two. The last table is of one process that does everything in turn: what a tracked run would cost
at least, with no training at all, if the process that trains imported MLflow itself.
"""

import statistics
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks import commands, process, section, timing
from benchmarks.document import table
from benchmarks.process import Ran

TRACKED = (commands.SHORT, commands.BOOK)
MORE = {1: 3.0, 2: 0.5}  # seconds that a bound adds for an experiment, by cores
STEPS = ("started", "imported", "opened", "logged")
NAMES = ("Python", "import mlflow", "open the store", "log", "exit")
Found = dict[str, list[Ran]]


def median(runs: Sequence[Ran]) -> float:
    return statistics.median(ran.wall for ran in runs)


def prices(found: Found, cores: int) -> list[list[str]]:
    """Give rows of a command's time, its ratio to MLflow's, and its bound."""
    bare = median(found[commands.BARE])
    rows = []
    for name in (commands.BARE, *TRACKED):
        wall, cpu = median(found[name]), statistics.median(ran.cpu for ran in found[name])
        bound = 1.2 * bare + (MORE[cores] if commands.BOOK in name else 0.0)
        allowed = "" if name == commands.BARE else f"{bound:.2f}"
        figures = [f"{each:.2f}" for each in (cpu, wall, wall / bare)]
        rows.append([f"`{name}`", str(cores), *figures, allowed])
    return rows


def shares(found: Found, cores: int) -> list[list[str]]:
    """Give rows of when the summary came and the command ended, and of tracking's share."""
    rows = []
    for name in TRACKED:
        tracked, without = median(found[name]), median(found[name + commands.OFF])
        summary = statistics.median(ran.when("time ") for ran in found[name])
        told = statistics.median(ran.when("tracked ") for ran in found[name])
        cells = [f"{each:.2f}" for each in (without, summary, told, tracked)]
        rows.append([f"`{name}`", str(cores), *cells, f"{(tracked - without) / tracked:.0%}"])
    return rows


def profile(runs: Sequence[Ran], hydra: Sequence[Ran], python: Sequence[Ran]) -> list[list[str]]:
    """Give the row of one process that does all in turn: where its seconds go."""
    moments = [[0.0, *(ran.when(step) for step in STEPS), ran.wall] for ran in runs]
    steps = zip(*(pairwise(each) for each in moments), strict=True)
    parts = [statistics.median(b - a for a, b in each) for each in steps]
    cells = [*parts[:1], median(hydra) - median(python), *parts[1:]]
    return [["one process", *(f"{each:.2f}" for each in (*cells, sum(cells)))]]


def measure(outputs: Path, cores: int, rounds: int) -> Found:
    """Run everything on so many cores, in turn."""
    section.step(f"tracked and not, on {cores} core(s)")
    settings = [words for name in TRACKED for words in (name, name + commands.OFF)]
    return process.interleaved(
        {
            commands.BARE: commands.bare(outputs),
            "hydra": ["-c", "import hydra"],
            "python": ["-c", "pass"],
            **{words: commands.gdexp(words) for words in settings},
        },
        outputs,
        cores,
        rounds,
    )


def main(rounds: int) -> list[str]:
    """Measure all; gives the tables of prices, of shares, and of the one process."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        commands.ready(outputs)
        few = min(rounds, 3)  # they take many seconds each
        numbers = range(1, min(timing.cores(), 2) + 1)
        found = {cores: measure(outputs, cores, few) for cores in numbers}
    one = found[1]
    lines = [
        *table(
            ["command", "cores", "CPU s", "wall-clock s", "times MLflow's", "bound, s"],
            [row for cores, each in found.items() for row in prices(each, cores)],
        ),
        "",
        *table(
            ["command", "cores", "untracked, s", "summary, s", "told, s", "end, s", "share"],
            [row for cores, each in found.items() for row in shares(each, cores)],
        ),
        "",
        *table(
            ["seconds on one core", "Python", "import hydra", *NAMES[1:], "sum"],
            profile(one[commands.BARE], one["hydra"], one["python"]),
        ),
    ]
    return lines if len(found) > 1 else [*lines, "", "Only one core was available."]


if __name__ == "__main__":
    section.run("tracking", __doc__, main)
