"""Peak resident memory of a run on MNIST, by engine: the process that trains, and its feeder.

The peak is what the system says: of the command at its end, of the feeder while it runs, again and
again, since a peak only grows.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks import commands, process, section
from benchmarks.document import table

CONF = Path(__file__).parents[1] / "conf" / "engine"
BOUND = 700  # MB, of the process that trains
HEAD = ("training, MB", "feeder, MB", "sum, MB")


def peaks(engine: str, outputs: Path) -> tuple[int, int]:
    """Give the megabytes of the command and of the feeder."""
    section.step(f"engine={engine}")
    words = f"{commands.BOOK} epochs=1 engine={engine}".split()
    ran = process.python(["-m", "benchmarks.peak", *words], outputs)
    told = dict(line.split(": ", 1) for _, line in ran.lines[-2:])
    return int(told["itself"]), int(told["feeder"])


def main(rounds: int) -> list[str]:
    """Measure every engine of the menu; gives the table."""
    engines = sorted(path.stem for path in CONF.glob("*.yaml"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        commands.ready(outputs)
        for engine in engines:
            found = [peaks(engine, outputs) for _ in range(min(rounds, 2))]
            itself, feeder = (round(statistics.median(each)) for each in zip(*found, strict=True))
            rows.append([f"`engine={engine}`", *map(str, (itself, feeder, itself + feeder))])
    return [*table([f"`{commands.BOOK} epochs=1`", *HEAD], rows), "", f"Bound: {BOUND} MB."]


if __name__ == "__main__":
    section.run("memory", __doc__, main)
