"""A sweep of cheap jobs, and one of longer ones, beside Hydra's own launchers; where time goes.

Whole commands, tracked to SQLite, wall-clock, in turn. joblib's jobs call MLflow themselves, as one
would write it: `by_joblib`. What two cores give at most is measured beside them: the longer jobs
without tracking, all by one command, and half of them by each of two commands at once.
"""

import os
import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import commands, process, section
from benchmarks.document import table
from benchmarks.process import Ran
from gdexp.tracking import jobs
from gdexp.tracking.journal import Reader

WORKERS = 2
CHEAP = "150 jobs of 2 epochs"
LONGER = "12 jobs of 2 s"
LENGTH, TRIED = 2.0, 100  # seconds of training of a longer job; epochs that say how many that are
TRAINING = "engine=reference eval.every=10"
SEEDS = {"one command": ["range(12)"], "two at once": ["range(6)", "range(6,12)"]}
ALONE = " launcher=basic tracking=off"
LAUNCHERS = {"local": f" launcher.workers={WORKERS}", "basic": " launcher=basic"}
MADE = """
import os, mlflow
mlflow.set_tracking_uri(os.environ["STORE"])
mlflow.create_experiment("joblib", artifact_location=os.environ["ARTIFACTS"])
"""
JOBLIB = ["+seed=range(150)", "+epochs=2", "hydra/launcher=joblib"]


@dataclass(frozen=True)
class Share:
    """What one command took, in seconds: from its journals, which have the time of each record.

    Parameters
    ----------
    ran : Ran
        The command.
    began : float
        When, in seconds since 1970.
    folder : Path
        The sweep's.
    workers : int
    """

    ran: Ran
    began: float
    folder: Path
    workers: int

    def training(self) -> float:
        """Give the seconds that all jobs trained."""
        return sum(job.metrics["time/train_seconds"] for job in jobs.states(self.folder))

    def row(self) -> list[str]:
        """Give wall-clock, and how it divides; of what workers do, worker-seconds by workers."""
        states = jobs.states(self.folder)
        planned = next(Reader(self.folder).new())["time"] / 1000
        ended = max(job.end["time"] for job in states) / 1000
        training = self.training() / self.workers
        whole = sum(job.metrics["time/total_seconds"] for job in states) / self.workers
        going = ended - planned
        after = self.ran.wall - (ended - self.began)
        found = re.search(r"planned in ([\d.]+) s", self.ran.errors)
        composing = float(found[1]) if found else 0.0
        before = planned - self.began - composing
        parts = (before, composing, training, whole - training, going - whole, after)
        rate = f"{len(states) / going:.1f}"
        return [f"{self.ran.wall:.1f}", rate, *(f"{each:.1f}" for each in parts)]


def joblib(outputs: Path) -> Ran:
    """Run the sweep whose jobs track by themselves."""
    folder = f"hydra.sweep.dir={outputs}/joblib/{time.time_ns()}"
    workers = f"hydra.launcher.n_jobs={WORKERS}"
    words = ["benchmarks/by_joblib.py", "-m", *JOBLIB, workers, folder]
    return process.python(words, outputs, WORKERS)


def sweep(outputs: Path, words: str, workers: int) -> Share:
    """Run a sweep of gdexp."""
    began = time.time()
    ran = process.python(commands.gdexp(words), outputs, WORKERS)
    folder = max(outputs.glob("sweeps/*/*"))
    return Share(ran, began, folder, workers)


def epochs(outputs: Path) -> int:
    """Say how many epochs a longer job has, so that it trains for LENGTH on this machine, alone."""
    seconds = [
        sweep(outputs, f"-m seed=range(2) epochs={TRIED} {TRAINING}{ALONE}", 1).training()
        for _ in range(2)
    ]
    return round(TRIED * LENGTH * 2 / min(seconds))


def split(outputs: Path, longer: str, seeds: Sequence[str]) -> float:
    """Carry out the longer jobs by so many commands at once, untracked; gives their wall-clock."""
    began = time.perf_counter()
    words = [f"-m seed={each} {longer}{ALONE}" for each in seeds]
    with ThreadPoolExecutor() as pool:  # each waits for a process
        list(pool.map(lambda each: process.python(commands.gdexp(each), outputs, WORKERS), words))
    return time.perf_counter() - began


def main(rounds: int) -> list[str]:
    """Measure; gives the table."""
    found: dict[tuple[str, str], list[Share]] = {}
    theirs: list[Ran] = []
    limits: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name).resolve()
        section.step("stores")
        process.python(commands.gdexp("epochs=1"), outputs)
        os.environ |= {
            "PYTHONPATH": str(process.ROOT),
            "STORE": f"sqlite:///{outputs}/joblib.db",
            "ARTIFACTS": f"{outputs}/artifacts/joblib",
        }
        process.python(["-c", MADE], outputs)  # made by several jobs at once, it would break
        section.step("how many epochs take 2 s")
        longer = f"epochs={epochs(outputs)} {TRAINING}"
        settings = {CHEAP: "-m seed=range(150) epochs=2", LONGER: f"-m seed=range(12) {longer}"}
        for _ in range(min(rounds, 2)):
            for task, words in settings.items():
                for launcher, more in LAUNCHERS.items():
                    section.step(f"{task}, {launcher}")
                    workers = WORKERS if launcher == "local" else 1
                    found.setdefault((task, launcher), []).append(
                        sweep(outputs, words + more, workers)
                    )
            section.step(f"{CHEAP}, joblib")
            theirs.append(joblib(outputs))
            for name, seeds in SEEDS.items():
                section.step(f"{LONGER}, untracked, by {name}")
                limits.setdefault(name, []).append(split(outputs, longer, seeds))
        return [*laid(found, theirs), "", limit(limits)]


def laid(found: Mapping[tuple[str, str], list[Share]], theirs: Sequence[Ran]) -> list[str]:
    """Lay out what was measured, and how launchers compare."""
    walls = {name: _median(each).ran.wall for name, each in found.items()}
    walls[CHEAP, "joblib"] = statistics.median(ran.wall for ran in theirs)
    rows = [[f"{t}, `{name}`", *_median(each).row()] for (t, name), each in found.items()]
    rows.insert(2, [f"{CHEAP}, joblib", f"{walls[CHEAP, 'joblib']:.1f}", *[""] * 7])
    parts = ("start-up", "composing", "training", "around it", "idle", "tracking after")
    lines = table(["seconds", "whole", "jobs a second", *parts], rows)
    for (task, launcher), wall in walls.items():
        if launcher != "local":
            times = wall / walls[task, "local"]
            lines += ["", f"{task}: {launcher} takes {times:.2f} times as long as `local`."]
    return lines


def limit(limits: Mapping[str, Sequence[float]]) -> str:
    """Say what is to be had of two cores."""
    one, two = (statistics.median(limits[name]) for name in SEEDS)
    return (
        f"{LONGER}, untracked: one command takes {one:.1f} s, two commands at once with half of "
        f"the jobs each {two:.1f} s. So two cores are worth {one / two:.2f} here."
    )


def _median(shares: list[Share]) -> Share:
    return sorted(shares, key=lambda share: share.ran.wall)[(len(shares) - 1) // 2]


if __name__ == "__main__":
    section.run("sweeps", __doc__, main)
