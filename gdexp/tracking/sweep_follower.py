"""Brings a sweep into the store: its parent run, and the runs of its jobs below it."""

import itertools
import time
from collections import Counter
from functools import partial
from typing import Any

from gdexp.tracking import jobs, standings
from gdexp.tracking.follower import Follower
from gdexp.tracking.journal import NAME


class SweepFollower(Follower):
    """Follows the journal of a sweep, and those of its jobs as they come to be.

    The jobs are runs like all others, with a tag that names their parent. The parent stays RUNNING
    until the last of them is closed; how they stand is told by its tags all the time.

    Where a sweep is gone on with, another feeder may have brought in any part of it: jobs that the
    store has whole are left alone, and those that were interrupted are followed from when they go
    on. The feeder of the command before, if it is still there, leaves the sweep to this one.

    Parameters
    ----------
    *args, **more
        Those of `Follower`.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._known: set[int] = set()
        self._waiting: dict[int, jobs.JobState] = {}  # to begin, or to go on
        self._jobs: list[Follower] = []
        self._standings = standings.Standings()
        self._end: dict[str, Any] | None = None
        self._command = ""
        self._told_of = ""
        self._bytes: dict[int, int] = {}  # of journals that are to go on
        self._dropped: set[str] = set()  # journals of jobs that were run again

    def advance(self, *, last: bool, hurry: bool) -> None:
        """Do what there is to do, as `Follower` does; the parent last."""
        if self._waits(hurry=hurry):
            return
        if not hurry:
            self._go_through()
            if self.done:
                return
        over = last or self._end is not None
        if self.run_id:  # which the jobs' runs are to name
            self._advance_jobs(last=over, hurry=hurry)
            if not over:
                self._tell()
            elif not self._jobs and not self._ended:
                self._ended = True
                self._plan_closing()
        if hurry:
            self._hasten()
        self.steps.carry_out(closing=True, final=hurry)
        self._stop_without_run()
        if self._ended and not self.steps:
            self._finish()

    @property
    def waiting(self) -> bool:
        """Whether another process is still at it, or at one of its jobs."""
        return super().waiting or any(job.waiting for job in self._jobs)

    def _look_again(self) -> None:
        """Leave nothing out: its jobs may not be there."""

    def _plan_start(self, record: dict[str, Any]) -> None:
        self._command = record["command"]
        super()._plan_start(record)
        self.steps.add(self._drop_replaced)

    def _plan_jobs(self, record: dict[str, Any]) -> None:
        listed = {job["job"]: jobs.listed(job, self.folder) for job in record["jobs"]}
        due = (listed.keys() - self._known) | (listed.keys() & self._waiting.keys())
        self._waiting |= {number: listed[number] for number in sorted(due)}
        self._known |= due

    def _plan_end(self, record: dict[str, Any]) -> None:
        self._end = record

    def _plan_resume(self, record: dict[str, Any]) -> None:
        """Take the end back; where this is what another command wrote, leave the sweep to it."""
        if self.run_id or not self._again:
            for job in self._jobs:
                job.leave()
            self.steps.clear()
            self.leave()
            return
        self._resume, self._end, self._command = record, None, record["command"]
        self._bytes = {int(number): size for number, size in record["bytes"].items()}
        self._dropped |= {*record["dropped"]}

    def _drop_replaced(self) -> None:
        for journal in self._dropped:
            self.store.delete_doubles("", {"gdexp.journal": journal})

    def _advance_jobs(self, *, last: bool, hurry: bool) -> None:
        """Go on with the jobs; what one needs goes with it, however many end between two looks."""
        following, self._jobs = self._jobs, []
        due = [each for each in self._waiting.values() if self._due(each, last)]
        for follower in itertools.chain(following, map(self._follow, due)):
            follower.advance(last=last, hurry=hurry)
            if not follower.done:
                self._jobs.append(follower)

    def _follow(self, job: jobs.JobState) -> Follower:
        del self._waiting[job.number]
        self._standings.begin(job)
        return Follower(job.folder, self.link, again=self._again, parent=self.run_id)

    def _due(self, job: jobs.JobState, last: bool) -> bool:
        """Say whether a job has begun, or gone on; at the last, what it left is enough."""
        try:
            size = (job.folder / NAME).stat().st_size
        except OSError:
            return False
        return last or size > self._bytes.get(job.number, 0)

    def _tell(self) -> None:
        """Tell how the jobs stand, where that has changed."""
        told = self._standings.headline(
            Counter("KILLED" if job in self._bytes else jobs.LEFT for job in self._waiting)
        )
        if told != self._told_of and not self.steps:
            self._told_of = told
            tags = self._tags(told)
            self.steps.add(lambda: self.store.set_tags(self.run_id, tags))

    def _tags(self, told: str) -> dict[str, str]:
        note = f"{told}\n\n    {self._command}\n"
        return {"gdexp.jobs": told.partition(";")[0], "mlflow.note.content": note}

    def _plan_closing(self) -> None:
        """Plan what closes the parent; without an end in the journal its command was killed."""
        end = self._end or _abandoned()
        states = [state.closed() for state in jobs.states(self.folder, lean=True)]
        told = str(end["tags"].get("gdexp.best_job", ""))  # by a search, for reasons of its own
        named = next((state for state in states if str(state.number) == told), None)
        found = named or standings.best(states)
        tags = {**end["tags"], **self._tags(standings.headline(states, found))}
        if found is not None:
            tags |= {"gdexp.best_job": str(found.number), "gdexp.best_run": found.run_id}
        figures = {**standings.figures(states), **end["metrics"]}
        record = {"time": end["time"], "status": end["status"]}
        last = {**record, "tags": tags, "metrics": figures}
        self.steps.add(lambda: self.store.log_end(self.run_id, last))
        self.steps.add(lambda: self._log_tables(states))
        for name in [*end.get("artifacts", []), NAME]:
            self.steps.add(partial(self._log_file, name))
        self.steps.add(lambda: self._close(record))

    def _log_tables(self, states: list[jobs.JobState]) -> None:
        names = standings.write_tables(states, self.folder)
        self.store.log_found(self.run_id, names, self.folder)


def _abandoned() -> dict[str, Any]:
    """Give the end that a sweep's command would have written, had it not been killed."""
    tags = {"gdexp.outcome": "killed", "gdexp.reason": "its process ended without a word"}
    now = round(time.time() * 1000)
    return {"status": "KILLED", "time": now, "tags": tags, "metrics": {}}
