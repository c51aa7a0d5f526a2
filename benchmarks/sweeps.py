"""A sweep of cheap jobs, and one of longer ones, beside Hydra's own launchers; where time goes.

Whole commands, tracked to SQLite, wall-clock, in turn. joblib's jobs call MLflow themselves, as one
would write it: `by_joblib`.
"""

import os
import re
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
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
SETTINGS = {
    CHEAP: "-m seed=range(150) epochs=2",
    LONGER: "-m seed=range(12) epochs=130 engine=reference eval.every=10",
}
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

    def row(self) -> list[str]:
        """Give wall-clock, and how it divides; of what workers do, worker-seconds by workers."""
        states = jobs.states(self.folder)
        planned = next(Reader(self.folder).new())["time"] / 1000
        ended = max(job.end["time"] for job in states) / 1000
        training = sum(job.metrics["time/train_seconds"] for job in states) / self.workers
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


def main(rounds: int) -> list[str]:
    """Measure; gives the table."""
    found: dict[tuple[str, str], list[Share]] = {}
    theirs: list[Ran] = []
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
        for _ in range(min(rounds, 2)):
            for task, words in SETTINGS.items():
                for launcher, more in LAUNCHERS.items():
                    section.step(f"{task}, {launcher}")
                    workers = WORKERS if launcher == "local" else 1
                    found.setdefault((task, launcher), []).append(
                        sweep(outputs, words + more, workers)
                    )
            section.step(f"{CHEAP}, joblib")
            theirs.append(joblib(outputs))
        return laid(found, theirs, os.getloadavg()[0])


def laid(
    found: Mapping[tuple[str, str], list[Share]], theirs: Sequence[Ran], load: float
) -> list[str]:
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
    return [*lines, "", f"Load at the end: {load:.1f} on two cores."]


def _median(shares: list[Share]) -> Share:
    return sorted(shares, key=lambda share: share.ran.wall)[(len(shares) - 1) // 2]


if __name__ == "__main__":
    section.run("sweeps", __doc__, main)
