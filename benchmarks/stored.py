"""Commands on a store of 500 runs of 30 epochs: CPU seconds, and peak memory.

Medians of several, each in a fresh process on one core. The store is SQLite, as runs make it.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks import process, section
from benchmarks.document import table
from benchmarks.many_runs import many_runs

RUNS = 500
COMMANDS = {
    "runs": ["runs"],
    'compare --where "epochs=30"': ["compare", "--where", "epochs=30"],
    'compare --where "epochs=30" --each --csv': [
        "compare",
        "--where",
        "epochs=30",
        "--each",
        "--csv",
    ],
    'report --where "epochs=30" --no-log': ["report", "--where", "epochs=30", "--no-log"],
    "diff latest latest~1": ["diff", "latest", "latest~1"],
}


def main(rounds: int) -> list[str]:
    """Measure all; gives the table."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        many_runs(outputs, RUNS)
        section.step("commands")
        commands = {name: ["-m", "gdexp", *words] for name, words in COMMANDS.items()}
        found = process.interleaved(commands, outputs, 1, rounds)
    rows = [
        [
            f"`python -m gdexp {name}`",
            f"{statistics.median(ran.cpu for ran in runs):.2f}",
            f"{max(ran.peak for ran in runs):.0f}",
        ]
        for name, runs in found.items()
    ]
    return table(["command", "CPU s", "peak MiB"], rows)


if __name__ == "__main__":
    section.run("stored", __doc__, main)
