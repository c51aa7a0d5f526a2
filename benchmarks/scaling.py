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
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmarks import commands, document, process, section, simulated
from benchmarks.document import table
from benchmarks.machine import machine
from gdexp import compose
from gdexp.cluster.connection import Connection
from gdexp.cluster.launching import Desk
from gdexp.cluster.settings import Settings
from gdexp.sweeps import Frozen
from gdexp.sweeps.watching import Watcher

WORKERS = 200
SECONDS = (4.0, 2.0, 1.0, 0.5)  # of a job
WAVES = 3  # jobs for each worker
PLANNED = 100
BATCHES = (10, 100, 1000)
POINTS = 10_000
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def cluster() -> Iterator[tuple[int, str]]:
    """Have a simulated cluster; gives its process and its address."""
    started = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulated", str(WORKERS)],
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


def watcher(outputs: Path, seconds: float, jobs: int) -> Watcher:
    """Give as many jobs, planned, of which each takes so long."""
    folder = Path(tempfile.mkdtemp(dir=outputs))
    asked = compose.composed(["epochs=2", "tracking=off"])
    loader = Frozen(None)  # type: ignore[arg-type]
    words = [(f"seed={number}",) for number in range(jobs)]
    for number, each in enumerate(words):
        tags = {simulated.SECONDS: str(seconds)}
        job: dict[str, Any] = {
            "output": folder / str(number),
            "sweep": "simulated",
            "job": number,
            "tags": tags,
        }
        loader.keep_request(each, replace(asked, varies=each, **job))
    config = OmegaConf.create({"hydra": {"sweeper": {"fail_fast": False}}})
    return Watcher(loader, config, words)


def saturation(outputs: Path) -> list[list[str]]:
    """Give a row for each length of the jobs: what was offered, what was done, and who was busy."""
    rows = []
    with cluster() as (pid, address):
        for seconds in (0.0, *SECONDS):  # the first warms all up
            section.step(f"{WAVES * WORKERS} jobs of {seconds:g} s on {WORKERS} simulated workers")
            settings = Settings(address=address)
            watched = watcher(outputs, seconds, WAVES * WORKERS)
            connection = Connection(settings, WORKERS)
            before, began = (time.process_time(), cpu(pid)), time.perf_counter()
            Desk(connection, settings, watched).run()
            whole = time.perf_counter() - began
            busy = (time.process_time() - before[0], cpu(pid) - before[1])
            connection.close()
            if seconds:
                cells = (WORKERS / seconds, WAVES * WORKERS / whole, *(b / whole for b in busy))
                rows.append([f"{seconds:g}", *(f"{each:.2g}" for each in cells)])
    return rows


def planned(outputs: Path) -> float:
    """Give the jobs that are planned in a second of CPU."""
    section.step("planning")
    words = "-m epochs=2 tracking=off sweep.dry_run=true seed="
    few, many = (
        process.python(commands.gdexp(f"{words}range({count})"), outputs).cpu
        for count in (1, 1 + PLANNED)
    )
    return PLANNED / (many - few)


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
        heads = ("s a job", "offered, jobs/s", "done, jobs/s", "command, cores", "cluster, cores")
        lines = table(heads, saturation(outputs))
        rate = planned(outputs)
        lines += ["", f"Planned in a second of CPU, before the first begins: {rate:.0f} jobs."]
        load = f"Other programs ran beside it: load {os.getloadavg()[0]:.0f} on two cores."
        lines += ["", *table(("points in a batch", "points a second"), points(outputs))]
    lines += ["", load, "", *machine()]
    print("\n".join(lines))
    if not given.dry:
        document.put("scaling.md", "python -m benchmarks.scaling", lines)


if __name__ == "__main__":
    main()
