"""The standings of a sweep: its jobs counted by state, the best of them, the table of all."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gdexp.tracking.jobs import LEFT, PRUNED, STATES, TOLD, JobState

JUDGED = {
    "best/val_accuracy": "validation accuracy",
    "best/train_accuracy": "training accuracy",
    "best/val_cost_mean": "validation cost",
    "best/train_cost_mean": "cost",
}


class Standings:
    """The standings of a sweep that goes on.

    Of jobs that have ended it holds their number by state, and the best: what it takes in memory
    does not grow with them.
    """

    def __init__(self) -> None:
        self._going: dict[int, JobState] = {}
        self._ended: Counter[str] = Counter()
        self._best: JobState | None = None

    def begin(self, job: JobState) -> None:
        """Take a job that has begun."""
        self._going[job.number] = job

    def headline(self, waiting: Counter[str]) -> str:
        """Look how the jobs stand now, and give that in one line.

        Parameters
        ----------
        waiting : Counter
            By state, the number of jobs that are to begin, or to go on.
        """
        begun: Counter[str] = Counter()
        for listed in [*self._going.values()]:
            job = listed.now().lean()
            if not job.end:
                begun[job.status] += 1
                continue
            del self._going[job.number]
            self._ended[job.status] += 1
            self._best = best([job] if self._best is None else [self._best, job])
        return _headline(self._ended + begun + waiting, self._best)


def counts(jobs: Iterable[JobState]) -> str:
    """Count jobs by their states: 3 of 12 jobs finished, 1 failed, 8 not begun."""
    return _counted(Counter(job.status for job in jobs))


def _counted(count: Counter[str]) -> str:
    noun = "job" if count.total() == 1 else "jobs"
    rest = [f"{count[name]} {TOLD[name]}" for name in STATES[1:-1] if count[name]]
    rest += [f"{count[LEFT]} not begun"] if count[LEFT] else []
    return ", ".join([f"{count['FINISHED']} of {count.total()} {noun} finished", *rest])


def best(jobs: Iterable[JobState]) -> JobState | None:
    """Give the best of the jobs that came to an end; None where there is none."""
    finished = [job for job in jobs if job.status == "FINISHED" and job.judge]
    return min(finished, key=lambda job: (job.rank, job.number), default=None)


def headline(jobs: Sequence[JobState], found: JobState | None = None) -> str:
    """Give the result of a sweep in one line; `found`: the best, where that is known."""
    return _headline(Counter(job.status for job in jobs), found or best(jobs))


def _headline(count: Counter[str], found: JobState | None) -> str:
    if found is None or not found.judge:
        return _counted(count)
    return f"{_counted(count)}; best: {told_best(found)}"


def told_best(job: JobState) -> str:
    """Name the best job, and what it reached."""
    value = job.metrics[job.judge]
    figure = f"{value:.2%}" if job.judge.endswith("accuracy") else f"{value:.4g}"
    return f"{job.named}, {JUDGED[job.judge]} {figure}"


def figures(jobs: Sequence[JobState]) -> dict[str, float]:
    """Give the figures of a sweep: its jobs by their states, and what the best one reached."""
    count = Counter(job.status for job in jobs)
    closed = [each for each in STATES if each != "RUNNING" and (each != PRUNED or count[each])]
    named = {f"jobs/{TOLD.get(name, 'not_begun')}": float(count[name]) for name in closed}
    found = best(jobs)
    reached = {} if found is None else found.metrics
    best_of = {name: value for name, value in reached.items() if name.startswith("best/")}
    return {"jobs/total": float(len(jobs)), **named, **best_of}


def write_tables(jobs: Sequence[JobState], folder: Path) -> list[str]:
    """Write jobs and results as jobs.csv and, for MLflow's page, as jobs.json; give the names."""
    rows = [row_of(job) for job in sorted(jobs, key=lambda job: job.rank)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "jobs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    data = [[_plain(row.get(name)) for name in columns] for row in rows]
    (folder / "jobs.json").write_text(json.dumps({"columns": columns, "data": data}) + "\n")
    return ["jobs.csv", "jobs.json"]


def row_of(job: JobState) -> dict[str, Any]:
    """Lay a job out as a row: what it is, how it went, what it reached."""
    return {
        "job": job.number,
        **job.varies,
        "status": TOLD.get(job.status, "not begun"),
        "outcome": job.outcome,
        **job.metrics,
        "engine": job.engine,
        "reason": job.reason,
        "run": job.run_id,
    }


def _plain(value: Any) -> Any:
    """Give what JSON can hold: no NaN, and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
