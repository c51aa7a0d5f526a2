"""A sweep of many small jobs: what the memory of its processes, and the store, grow by with each.

Resident memory is sampled while the sweep goes on. A slope is that of memory over jobs, by least
squares over the second half, in which all that is made once is there; with its standard error,
which takes the samples for independent.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import commands, process, section
from benchmarks.document import table

JOBS, WORKERS = 1000, 2
SWEEP = f"-m epochs=1 engine=reference launcher.workers={WORKERS} seed=range({JOBS})"
PAUSE = 0.5  # seconds between two samples
ROLES = ("command", "workers", "feeder")


@dataclass(frozen=True)
class Sample:
    """How far a sweep was, and what its processes held.

    Parameters
    ----------
    done, tracked : int
        Jobs that had ended, and runs that the store had.
    resident : mapping of str to float
        MiB by role; of workers, the mean.
    """

    done: int
    tracked: int
    resident: dict[str, float]


def samples(outputs: Path) -> list[Sample]:
    """Carry the sweep out; gives what was seen of it."""
    found = []
    with subprocess.Popen(
        [sys.executable, *commands.gdexp(SWEEP)],
        cwd=process.ROOT,
        env=process.environment(outputs),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as command:
        while command.poll() is None:
            found.append(Sample(*counts(outputs), residents(command.pid)))
            time.sleep(PAUSE)
    if command.returncode:
        raise RuntimeError(f"the sweep ended with {command.returncode}")
    return found


def counts(outputs: Path) -> tuple[int, int]:
    """Count the jobs that have ended, and the runs that have their artifacts in the store."""
    done = sum(1 for _ in outputs.glob("sweeps/*/*/*/history.csv"))
    return done, sum(1 for _ in outputs.glob("artifacts/gdexp/*"))


def residents(command: int) -> dict[str, float]:
    """Give the resident memory of a command and of what it started, by role."""
    found: dict[str, list[float]] = {"command": [*_resident(command)]}
    for pid in _children(command):
        role = "feeder" if "gdexp.tracking.feed" in _words(pid) else "workers"
        found.setdefault(role, []).extend(_resident(pid))
    return {role: float(np.mean(each)) for role, each in found.items() if each}


def _resident(pid: int) -> Iterator[float]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return
    yield from (int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _children(pid: int) -> list[int]:
    try:
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return []


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\\0", " ")
    except OSError:
        return ""


def slope(jobs: Sequence[float], resident: Sequence[float]) -> tuple[float, float]:
    """Give the slope of a line through points, by least squares, and its standard error."""
    x, y = np.array(jobs, float), np.array(resident, float)
    x, y = x - x.mean(), y - y.mean()
    found = x @ y / (x @ x)
    rest = y - found * x
    return float(found), float(np.sqrt(rest @ rest / (len(x) - 2) / (x @ x)))


def rows(found: Sequence[Sample]) -> list[list[str]]:
    """Lay out for each role what it held at some points of the sweep, and by how much it grew."""
    laid = []
    for role in ROLES:
        own = [each for each in found if role in each.resident]
        far = [each.tracked if role == "feeder" else each.done for each in own]
        at = [_near(far, own, role, count) for count in (JOBS // 4, JOBS // 2, JOBS)]
        late = [n for n, count in enumerate(far) if JOBS / 2 <= count < JOBS]
        grew, error = slope([far[n] for n in late], [own[n].resident[role] for n in late])
        told = f"{1024 * grew:.2f} ± {1024 * error:.2f}"
        laid.append([role, *(f"{each:.1f}" for each in at), told])
    return laid


def _near(far: Sequence[int], own: Sequence[Sample], role: str, count: int) -> float:
    nearest = min(range(len(far)), key=lambda n: abs(far[n] - count))
    return own[nearest].resident[role]


def size(place: Path) -> float:
    """Give the KiB that a file, or all in a folder, takes."""
    files = [place] if place.is_file() else place.rglob("*")
    return sum(each.stat().st_size for each in files if each.is_file()) / 1024


def main(rounds: int) -> list[str]:
    """Measure once, whatever the rounds; gives the table."""
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name).resolve()
        section.step("the store")
        process.python(commands.gdexp("epochs=1 tracking.experiment=other"), outputs)
        before = size(outputs / "mlflow.db")
        section.step(f"{JOBS} jobs")
        found = rows(samples(outputs))
        grown = {
            "the database": (size(outputs / "mlflow.db") - before) / JOBS,
            "its artifacts": size(outputs / "artifacts" / "gdexp") / JOBS,
            "the folders of the jobs": size(outputs / "sweeps") / JOBS,
        }
    told = ", ".join(f"{what} by {each:.1f} KiB" for what, each in grown.items())
    head = ["resident, MiB", *(f"{n:,} jobs" for n in (JOBS // 4, JOBS // 2, JOBS)), "KiB a job"]
    return [*table(head, found), "", f"With each job grow {told}."]


if __name__ == "__main__":
    section.run("jobs", __doc__, main)
