"""Repeat Nielsen's chapter 1 on MNIST, five seeds each, and put the table into docs/nielsen.md.

``make book`` runs it; ``python -m benchmarks.nielsen 0 1`` takes other seeds.
"""

import csv
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.document import put, table

DOC, TABLE = "nielsen.md", "make book"


@dataclass(frozen=True)
class Setup:
    """A row of the table: what is run, and what the book says of it."""

    words: tuple[str, ...]
    book: str


SCALED = "architecture.initialization=scaled_normal"
SETUPS = [
    Setup(("experiment=nielsen_30",), "95.42 %"),
    Setup(("experiment=nielsen_100",), "96.59 %"),
    Setup(("experiment=nielsen_no_hidden",), "an exercise"),
    Setup(("experiment=nielsen_30", SCALED), "(chapter 3)"),
    Setup(("experiment=nielsen_100", SCALED), "(chapter 3)"),
]


def peaks(words: tuple[str, ...], seeds: list[str]) -> list[float]:
    """Run a set-up with each seed; give the best test accuracies, in the order of the seeds."""
    with tempfile.TemporaryDirectory() as outputs:
        settings = [*words, f"seed={','.join(seeds)}", f"outputs={outputs}", "tracking=off"]
        subprocess.run([sys.executable, "-m", "gdexp", "-m", *settings], check=True)
        found = Path(outputs).glob("sweeps/*/*/*/history.csv")
        jobs = sorted(found, key=lambda path: int(path.parts[-2]))
        return [max(float(row["test/accuracy"]) for row in read(job)) for job in jobs]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def row(setup: Setup, seeds: list[str]) -> list[str]:
    found = peaks(setup.words, seeds)
    each = ", ".join(f"{peak:.2%}" for peak in found).replace("%", " %")
    figures = [f"{f(found):.2%}".replace("%", " %") for f in (statistics.median, max)]
    return [f"`{' '.join(setup.words)}`", setup.book, *figures, each]


def main(seeds: list[str]) -> None:
    """Run all set-ups, and write the table between the marks of the doc."""
    head = ["settings", "the book", "median", "best", f"seeds {', '.join(seeds)}"]
    lines = table(head, [row(setup, seeds) for setup in SETUPS])
    put(DOC, TABLE, lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:] or ["0", "1", "2", "3", "4"])
