"""The record of a sweep: its journal, from the plan to the end."""

import itertools
import json
import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gdexp
from gdexp.labels import process_tags
from gdexp.sweeps import claims
from gdexp.sweeps.earlier import Earlier
from gdexp.sweeps.job import Job, varying
from gdexp.sweeps.plan import Plan
from gdexp.tracking import Journal, Reader, jobs, standings
from gdexp.tracking.environment import environment, git
from gdexp.tracking.journal import mend
from gdexp.tracking.settings import masked

STOP = "stop"  # a file in the folder of a sweep: no more jobs are to begin
EARLIER = "earlier"  # the folder, there, of jobs that were run again


@dataclass(frozen=True)
class Conclusion:
    """What is to be said of a sweep beyond its table.

    Parameters
    ----------
    told : sequence of str
        Lines for the terminal.
    tags : mapping of str to str
        For its run.
    files : sequence of str
        In its folder, for its run.
    """

    told: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[str] = ()


class SweepRecord:
    """Writes the journal of a sweep into its folder; the jobs write their own beside it.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    OSError
        Where the folder cannot be written, or holds a sweep already.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.began = plan, time.perf_counter()
        self.conclude: Callable[[list[jobs.JobState]], Conclusion] = lambda states: Conclusion()
        self.told: Sequence[str] = ()
        self._command = shlex.join(["python", "-m", "gdexp", "-m", *map(masked, plan.words)])
        if plan.earlier is None:
            self._begin()
        else:
            self._go_on(plan.earlier)

    def _begin(self) -> None:
        plan = self.plan
        plan.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(plan.folder)
        self.journal.write(
            "start",
            name=plan.title,
            command=self._command,
            epochs=None,
            every=1,
            params=plan.params,
            tags={**self._tags(), "gdexp.journal": uuid.uuid4().hex},
            datasets=[],
            artifacts=self._write_files(self._command),
            tracking={"uri": plan.tracking.shown, "experiment": plan.tracking.experiment},
            outputs=str(plan.outputs),
        )
        self.journal.write("jobs", jobs=[self._listed(job) for job in plan.jobs])

    def _go_on(self, earlier: Earlier) -> None:
        """Write on, and clear the way for jobs that begin anew, once it is written that they do."""
        plan = self.plan
        mend(plan.folder)
        records = [*Reader(plan.folder).new()]
        listed = {job["job"] for record in records for job in record.get("jobs", ())}
        self.began -= earlier.seconds
        self.journal = Journal(plan.folder, count=len(records))
        self.journal.write(
            "resume",
            name=plan.title,
            command=self._command,
            tags=self._tags(),
            seconds=earlier.seconds,
            bytes={str(number): size for number, size in earlier.on.items()},
            dropped=[tag for tag in earlier.anew.values() if tag],
        )
        if len(listed) != len(plan.jobs):  # all of them: more may vary now
            self.journal.write("jobs", jobs=[self._listed(job) for job in plan.jobs])
        self.journal.sync()
        (plan.folder / STOP).unlink(missing_ok=True)
        for job in plan.jobs:
            if job.number in earlier.anew:
                _put_away(plan.folder, job)
            elif job.number in earlier.begin:
                shutil.rmtree(job.folder, ignore_errors=True)  # of a job that had hardly begun

    def _write_files(self, command: str) -> list[str]:
        texts = {
            "command.txt": command,
            "environment.json": json.dumps(environment(1, git(self.plan.id)), indent=2),
        }
        for name, text in texts.items():
            (self.plan.folder / name).write_text(text + "\n", encoding="utf-8")
        return [*texts]

    def _tags(self) -> dict[str, str]:
        code = git(self.plan.id)
        tags = {
            "gdexp.kind": "sweep",
            "gdexp.sweep_id": self.plan.id,
            "gdexp.overrides": " ".join(map(masked, self.plan.words)),
            "gdexp.version": gdexp.__version__,
            **process_tags(),
            "mlflow.source.name": "gdexp",
            "mlflow.source.type": "LOCAL",
            # As tags, since parameters could not change where axes are extended.
            **{f"axis.{name}": ",".join(values) for name, values in self.plan.axes.items()},
            **self.plan.tags,
        }
        if self.plan.study is not None:
            tags |= {"gdexp.study": self.plan.name, "gdexp.question": self.plan.study.question}
        if code:
            tags |= {
                "gdexp.git_dirty": str(code["dirty"]),
                "mlflow.source.git.commit": code["commit"],
            }
        return tags

    def _listed(self, job: Job) -> dict[str, Any]:
        words = [masked(word) for word in job.words]
        return {
            "job": job.number,
            "folder": str(job.folder),
            "overrides": words,
            "varies": varying(words, self.plan.axes),
            "config_hash": job.config_hash,
            "group_key": job.group_key,
        }

    def add(self, job: Job, **more: Any) -> None:
        """Write down a job that was not among those of the start, and what else is known of it."""
        self.journal.write("jobs", jobs=[{**self._listed(job), **more}])

    def end(self, broken: tuple[str, str, str] | None) -> list[jobs.JobState]:
        """Write down the end, and how the jobs stand; gives the latter.

        Parameters
        ----------
        broken : (str, str, str), optional
            Status, outcome and reason of an end before all was done.
        """
        states = jobs.states(self.plan.folder, lean=True)
        status, outcome, reason = broken or _ending(states)
        tags = {"gdexp.outcome": outcome, **({"gdexp.reason": reason} if reason else {})}
        found = self.conclude(states)
        self.told = found.told
        self.journal.write(
            "end",
            status=status,
            tags={**tags, **found.tags},
            metrics={"time/total_seconds": time.perf_counter() - self.began},
            artifacts=found.files,
        )
        self.journal.close()
        standings.write_tables(states, self.plan.folder)
        if not any(job.status in jobs.INTERRUPTED for job in states):
            claims.unmark(self.plan.folder)
        if self.plan.hold is not None:
            self.plan.hold.let_go(remove=True)
        return states


def _put_away(folder: Path, job: Job) -> None:
    """Move the folder of a job that begins anew to where nobody takes it for one of the sweep."""
    if job.folder.exists():
        (folder / EARLIER).mkdir(exist_ok=True)
        free = (folder / EARLIER / f"{job.number}-{n}" for n in itertools.count(1))
        job.folder.rename(next(place for place in free if not place.exists()))


def _ending(states: list[jobs.JobState]) -> tuple[str, str, str]:
    """Say how a sweep that went to its end has ended: with a job that failed, it failed."""
    unfinished = [job for job in states if job.status not in jobs.FINE]
    if not unfinished:
        return "FINISHED", "ok", ""
    failed = [job.named for job in unfinished if job.status == "FAILED"]
    told = f"; failed: {', '.join(failed)}" if failed else ""
    return "FAILED", "failed", f"{standings.counts(states)}{told}"
