"""The record of a sweep: its journal, from the plan to the end."""

import json
import os
import shlex
import socket
import time
import uuid
from typing import Any

import gdexp
from gdexp.sweeps.planning import Job, Plan, varying
from gdexp.tracking import Journal, jobs
from gdexp.tracking.environment import environment, git
from gdexp.tracking.settings import masked


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
        plan.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(plan.folder)
        job = plan.jobs[0]
        command = shlex.join(["python", "-m", "gdexp", "-m", *map(masked, plan.words)])
        self.journal.write(
            "start",
            name=plan.title,
            command=command,
            epochs=None,
            every=1,
            params=self._params(),
            tags=self._tags(),
            datasets=[],
            artifacts=self._write_files(command),
            tracking={"uri": job.tracking.shown, "experiment": job.tracking.experiment},
            outputs=str(job.outputs),
        )
        self.journal.write("jobs", jobs=[self._listed(job) for job in plan.jobs])

    def _write_files(self, command: str) -> list[str]:
        texts = {
            "command.txt": command,
            "environment.json": json.dumps(environment(1, git(self.plan.id)), indent=2),
        }
        for name, text in texts.items():
            (self.plan.folder / name).write_text(text + "\n", encoding="utf-8")
        return [*texts]

    def _params(self) -> dict[str, str]:
        axes = {f"axis.{name}": ",".join(values) for name, values in self.plan.axes.items()}
        study = {"study": self.plan.name} if self.plan.name else {}
        return {"jobs": str(len(self.plan.jobs)), **study, **axes}

    def _tags(self) -> dict[str, str]:
        code = git(self.plan.id)
        tags = {
            "gdexp.kind": "sweep",
            "gdexp.sweep_id": self.plan.id,
            "gdexp.journal": uuid.uuid4().hex,  # which this run is fed from, and no other
            "gdexp.overrides": " ".join(map(masked, self.plan.words)),
            "gdexp.version": gdexp.__version__,
            "gdexp.pid": str(os.getpid()),
            "gdexp.host": socket.gethostname(),
            "mlflow.source.name": "gdexp",
            "mlflow.source.type": "LOCAL",
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

    def end(self, broken: tuple[str, str, str] | None) -> list[jobs.JobState]:
        """Write down the end, and how the jobs stand; gives the latter.

        Parameters
        ----------
        broken : (str, str, str), optional
            Status, outcome and reason of an end before all was done.
        """
        states = jobs.states(self.plan.folder)
        status, outcome, reason = broken or _ending(states)
        tags = {"gdexp.outcome": outcome, **({"gdexp.reason": reason} if reason else {})}
        seconds = time.perf_counter() - self.began
        self.journal.write("end", status=status, tags=tags, metrics={"time/total_seconds": seconds})
        self.journal.close()
        jobs.write_tables(states, self.plan.folder)
        return states


def _ending(states: list[jobs.JobState]) -> tuple[str, str, str]:
    """Say how a sweep that went to its end has ended: with a job that failed, it failed."""
    unfinished = [job for job in states if job.status != "FINISHED"]
    if not unfinished:
        return "FINISHED", "ok", ""
    failed = [job.named for job in unfinished if job.status == "FAILED"]
    told = f"; failed: {', '.join(failed)}" if failed else ""
    return "FAILED", "failed", f"{jobs.counts(states)}{told}"
