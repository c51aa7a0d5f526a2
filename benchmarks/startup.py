"""CPU seconds of commands, each in a fresh process on one core.

Medians of several, in turn; with the processes that a command starts and waits for. Stores, Numba's
cache and the data set's are made beforehand.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks import commands, process, section
from benchmarks.document import table

IMPORTS = ("numpy", "hydra", "numba", "mlflow")
SETTINGS = (
    "--help",
    commands.SHORT + commands.OFF,
    commands.SHORT,
)


def measured(outputs: Path) -> dict[str, list[str]]:
    """Give the words of each command by what it is called."""
    return {
        "python -c pass": ["-c", "pass"],
        **{f"import {name}": ["-c", f"import {name}"] for name in IMPORTS},
        commands.BARE: commands.bare(outputs),
        **{f"python -m gdexp {words}": commands.gdexp(words) for words in SETTINGS},
    }


def main(rounds: int) -> list[str]:
    """Measure all; gives the table."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        commands.ready(outputs)
        section.step("cold processes")
        found = process.interleaved(measured(outputs), outputs, 1, rounds)
    rows = [
        [f"`{name}`", *(f"{statistics.median(each):.2f}" for each in (cpus, walls))]
        for name, runs in found.items()
        for cpus, walls in [([ran.cpu for ran in runs], [ran.wall for ran in runs])]
    ]
    return table(["command", "CPU s", "wall-clock s on one core"], rows)


if __name__ == "__main__":
    section.run("startup", __doc__, main)
