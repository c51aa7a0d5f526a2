"""Training while the store is away, beside training with tracking=off, in turn on the same cores.

A store is away in two ways: nobody listens at its port, and somebody takes the connection and never
answers. The bound is 1.03 times the seconds of tracking=off, for training, and for all until the
summary but what asking the store at the start takes.
"""

import re
import socket
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import commands, process, section, timing
from benchmarks.document import table
from benchmarks.process import Ran

RUN = f"{commands.BOOK} engine=reference epochs=6"
BOUND = 1.03


@contextmanager
def silent() -> Iterator[int]:
    """Give a port where connections are taken, and nothing is said."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port: int = listener.getsockname()[1]
        yield port


def training(ran: Ran) -> float:
    """Give the seconds that a command trained."""
    (told,) = (line for _, line in ran.lines if line.startswith("time "))
    found = re.match(r"time +([\d.]+) s for", told)
    assert found is not None
    return float(found[1])


def row(name: str, cores: int, runs: Sequence[Ran], off: Sequence[Ran]) -> list[str]:
    """Lay out seconds of training and until the summary, and the former's ratio."""
    each, untracked = [training(ran) for ran in runs], [training(ran) for ran in off]
    ratio = statistics.median(a / b for a, b in zip(each, untracked, strict=True))
    summary = statistics.median(ran.when("time ") for ran in runs)
    figures = f"{statistics.median(each):.2f}", f"{ratio:.3f}", f"{summary:.2f}"
    return [name, str(cores), *figures]


def main(rounds: int) -> list[str]:
    """Measure all; gives the table."""
    with tempfile.TemporaryDirectory() as folder, silent() as port:
        outputs = Path(folder) / "outputs"
        outputs.mkdir()
        away = f"{RUN} tracking.patience=0 tracking.uri=http://127.0.0.1"
        words = {
            "tracking=off": f"{RUN} tracking=off",
            "away: refused": f"{away}:9",
            "away: silent": f"{away}:{port}",
        }
        process.python(commands.gdexp(f"{RUN} tracking=off"), outputs)
        rows = []
        for cores in range(1, min(timing.cores(), 2) + 1):
            section.step(f"with the store away, on {cores} core(s)")
            runs: dict[str, list[Ran]] = {name: [] for name in words}
            for _ in range(rounds):
                for name, each in words.items():
                    runs[name].append(process.python(commands.gdexp(each), outputs, cores))
            rows += [row(n, cores, each, runs["tracking=off"]) for n, each in runs.items()]
    head = ["store", "cores", "training, s", "times tracking=off", "summary, s"]
    return [f"`{RUN}`; the bound is {BOUND}.", "", *table(head, rows)]


if __name__ == "__main__":
    section.run("outages", __doc__, main)
