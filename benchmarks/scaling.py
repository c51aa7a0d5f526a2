"""Where a sweep on a cluster stops growing with it: ``python -m benchmarks.scaling``.

A simulated cluster of 200 workers offers more and more jobs a second to one command; and points go
into a SQLite store in batches of several sizes. What is found goes into docs/scaling.md.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import commands, document, process, section
from benchmarks.document import table
from benchmarks.machine import machine
from gdexp.tracking.journal import Reader

WORKERS, JOBS = 200, 600
SECONDS = (4.0, 2.0, 1.0)
SWEEP = f"-m seed=range({JOBS}) epochs=2 tracking=off"
BATCHES = (10, 100, 1000)
POINTS = 10_000
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def cluster(seconds: float) -> Iterator[tuple[int, str]]:
    """Have a simulated cluster; gives its process and its address."""
    started = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulated", str(WORKERS), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=process.ROOT,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    try:
        yield started.pid, started.stdout.readline().strip()
    finally:
        started.stdin.close()
        started.kill()
        started.wait()
        started.stdout.close()


def cpu(pid: int) -> float:
    """Give the CPU seconds that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def saturation(outputs: Path) -> list[list[str]]:
    """Give a row for each length of the jobs: what was offered, what was done, and who was busy."""
    planning = process.python(commands.gdexp(f"{SWEEP} sweep.dry_run=true"), outputs).cpu
    rows = []
    for seconds in SECONDS:
        section.step(f"{JOBS} jobs of {seconds:g} s on {WORKERS} simulated workers")
        with cluster(seconds) as (pid, address):
            before = cpu(pid)
            words = f"{SWEEP} launcher=dask launcher.address={address}"
            ran = process.python(commands.gdexp(words), outputs, 2)
            theirs = cpu(pid) - before
        *_, end = Reader(max(outputs.glob("sweeps/*/*"))).new()
        whole = end["metrics"]["time/total_seconds"]
        cells = (WORKERS / seconds, JOBS / whole, (ran.cpu - planning) / whole, theirs / whole)
        rows.append([f"{seconds:g}", *(f"{each:.1f}" for each in cells)])
    return rows


def points(outputs: Path) -> list[list[str]]:
    """Give a row for each size of batch: points a second into a new SQLite store."""
    from gdexp.tracking.batch import Batch
    from gdexp.tracking.store import Store

    section.step("points into SQLite")
    store = Store(f"sqlite:///{outputs}/points.db", "points", str(outputs / "artifacts"))
    rows = []
    for size in BATCHES:
        record = {"name": "points", "time": 0, "tags": {}}
        run = store.create_run(record)
        began = time.perf_counter()
        for at in range(0, POINTS, size):
            epochs = [(0, step, {f"m{k}": 1.0 for k in range(10)}) for step in range(size // 10)]
            store.log(run, Batch(points=[(t, at + s, m) for t, s, m in epochs]))
        rows.append([f"{size:,}", f"{POINTS / (time.perf_counter() - began):,.0f}"])
    store.close()
    return rows


def main() -> None:
    given = section.arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name).resolve()
        heads = ("seconds a job", "offered a second", "done a second", "command", "cluster")
        lines = table(heads, saturation(outputs))
        load = f"Other programs ran beside it: load {os.getloadavg()[0]:.0f} on two cores."
        lines += ["", *table(("points in a batch", "points a second"), points(outputs))]
    lines += ["", load, "", *machine()]
    print("\n".join(lines))
    if not given.dry:
        document.put("scaling.md", "python -m benchmarks.scaling", lines)


if __name__ == "__main__":
    main()
