"""A run of a million updates, each written into the journal: time, disk, memory, points stored.

Memory is the peak of the process that trains, and of its feeder. Points are counted in a SQLite
store: those of the longest curve, and all.
"""

import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks import commands, process, section
from benchmarks.document import table
from gdexp.tracking.curves import MOST_POINTS

UPDATES = 1_000_000
RUN = (
    "problem=linear_regression problem.draw=false data=diabetes optimizer=online eta=1e-3"
    " epochs=3226 eval.every=100 engine=reference"
)
TOLD = "journal.updates=true"


def training(lines: list[str]) -> float:
    """Give the seconds that a command trained, of so many updates at least."""
    (told,) = (line for line in lines if line.startswith("time "))
    found = re.match(r"time +([\d.]+) s for ([\d,]+) updates", told)
    assert found is not None
    assert int(found[2].replace(",", "")) >= UPDATES
    return float(found[1])


def longest(outputs: Path) -> tuple[int, int]:
    """Give how many points the longest curve of a store has, and all of them."""
    with closing(sqlite3.connect(outputs / "mlflow.db")) as store:
        counts = [n for (n,) in store.execute("SELECT COUNT(*) FROM metrics GROUP BY key")]
    return max(counts), sum(counts)


def row(words: str, outputs: Path) -> list[str]:
    """Carry a run out, and say what it took."""
    section.step(words or "as ever")
    if words.endswith("tracking=off"):
        ran = process.python(commands.gdexp(f"{RUN} {words}"), outputs)
        lines, memory = [line for _, line in ran.lines], [f"{ran.peak:.0f}", ""]
    else:
        ran = process.python(["-m", "benchmarks.peak", *f"{RUN} {words}".split()], outputs, 2)
        lines = [line for _, line in ran.lines]
        memory = [line.split(": ")[1] for line in lines[-2:]]
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    size = journal.stat().st_size / 1e6
    points = [f"{n:,}" for n in longest(outputs)] if "off" not in words else ["", ""]
    shutil.rmtree(outputs / "runs")
    return [
        f"`{words}`",
        f"{training(lines):.1f}",
        f"{ran.wall:.1f}",
        f"{size:.1f}",
        *memory,
        *points,
    ]


def main(rounds: int) -> list[str]:
    """Measure each once, since it takes long; gives the table."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        outputs.mkdir()
        each = ["tracking=off", f"{TOLD} tracking=off", TOLD]
        rows = [row(words, outputs) for words in each]
    head = ["with", "training, s", "in all, s", "journal, MB", "training, MB", "feeder, MB"]
    lines = table([*head, "points of a curve", "all points"], rows)
    return [f"`{RUN}`; a curve has {MOST_POINTS} points at most.", "", *lines]


if __name__ == "__main__":
    section.run("updates", __doc__, main)
