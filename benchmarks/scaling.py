"""Where a sweep on a cluster stops growing with it: ``python -m benchmarks.scaling``.

A simulated cluster of 200 workers offers more and more jobs a second to one command (cluster).
Points go into a SQLite store, and a PostgreSQL one where that is installed, in batches of several
sizes, and as runs of 30 epochs through a feeder (stores). What is found goes into docs/scaling.md.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
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
from gdexp.sweeps.watching import Watcher, watching
from gdexp.tracking import Feeder, Tracking
from tests.servers import postgres

WORKERS = 200
SECONDS = (4.0, 1.0)  # of a job
WAVES = 2  # jobs for each worker
PLANNED = 100
BATCHES = (10, 100, 1000)
POINTS, MOST_BATCHES = 10_000, 200
EPOCHS, RUNS = 30, 40  # of the runs that a feeder brings
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
    loader = Frozen(None, folder)  # type: ignore[arg-type]
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
    return watching(loader, config, words)


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
                rates = (WORKERS / seconds, WAVES * WORKERS / whole)
                cores = [each / whole for each in busy]
                told = [f"{1000 * busy[0] / (WAVES * WORKERS):.1f}"]
                cells = [*(f"{each:.0f}" for each in rates), *(f"{each:.2f}" for each in cores)]
                rows.append([f"{seconds:g}", *cells, *told])
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


def batches(uri: str, outputs: Path) -> list[float]:
    """Give for each size of batch the points a second that a store takes."""
    from gdexp.tracking.batch import Batch, Point
    from gdexp.tracking.store import Store

    store, rates = Store(uri, "points", str(outputs / "artifacts")), []
    for size in BATCHES:
        run = store.create_run({"name": "points", "time": 0, "tags": {}})
        began, count = time.perf_counter(), min(POINTS, MOST_BATCHES * size)
        for at in range(0, count, size):
            figures = {f"m{k}": 1.0 for k in range(10)}
            points: list[Point] = [(0, at + step, figures) for step in range(size // 10)]
            store.log(run, Batch(points=points))
        rates.append(count / (time.perf_counter() - began))
    store.close()
    return rates


def fed(uri: str, outputs: Path, run: Path) -> tuple[float, float]:
    """Give the runs, and the points, that a feeder brings into a store in a second."""
    feeder = Feeder(Tracking(uri, "fed"), outputs)
    copies = [Path(tempfile.mkdtemp(dir=outputs)) / "run" for _ in range(1 + RUNS)]
    for copy in copies:
        shutil.copytree(run, copy)
    feeder.feed(copies[0])
    feeder.wait(copies[0])  # which opens the store
    began = time.perf_counter()
    for copy in copies[1:]:
        feeder.feed(copy)
    done = [feeder.wait(copy) for copy in copies[1:]]
    seconds = time.perf_counter() - began
    if wrong := [each.error for each in done if each.error]:
        raise RuntimeError(wrong[0])
    feeder.finish()
    return RUNS / seconds, sum(each.points for each in done) / seconds


def stores(outputs: Path) -> list[list[str]]:
    """Give a row for each store: points a second by size of batch, and what the feeder brings."""
    process.python(commands.gdexp(f"epochs={EPOCHS} tracking=off"), outputs)
    (run,) = outputs.glob("runs/*/*")
    rows = []
    with postgres() as uri, chdir(outputs):  # where PostgreSQL's experiments have their artifacts
        for name, each in {"SQLite": f"sqlite:///{outputs}/points.db", "PostgreSQL": uri}.items():
            if each is None:
                continue
            section.step(f"points into {name}")
            rates = [*batches(each, outputs), *fed(each, outputs, run)]
            rows.append(
                [name, *(f"{rate:,.3g}" if rate < 100 else f"{rate:,.0f}" for rate in rates)]
            )
    return rows


def cluster_lines(outputs: Path) -> list[str]:
    """Measure how many jobs a command keeps up with; gives the table."""
    rates = ("s a job", "offered, jobs/s", "done, jobs/s")
    heads = (*rates, "command, cores", "cluster, cores", "command, ms a job")
    found = saturation(outputs)
    rate = planned(outputs)
    told = f"Planned in a second of CPU, before the first begins: {rate:.0f} jobs."
    return [*table(heads, found), "", told]


def stores_lines(outputs: Path) -> list[str]:
    """Measure what stores take; gives the table."""
    sizes = [f"{size:,} a batch" for size in BATCHES]
    heads = ("points a second", *sizes, "fed, runs/s", "fed, points/s")
    return table(heads, stores(outputs))


PARTS = {"cluster": cluster_lines, "stores": stores_lines}


def main() -> None:
    """Measure the parts that are named, or all; each has a table of its own in the doc."""
    parser = section.arguments(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="all where none is named")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part: {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    for part in given.parts or PARTS:
        with tempfile.TemporaryDirectory() as name:
            lines = [*PARTS[part](Path(name).resolve()), "", *machine()]
        print("\n".join(lines), flush=True)
        if not given.dry:
            document.put("scaling.md", f"python -m benchmarks.scaling {part}", lines)


if __name__ == "__main__":
    main()
