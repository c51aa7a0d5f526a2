"""A search on its way: trials are asked for, become jobs, and are told what came of them."""

import math
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gdexp.complain import complaint
from gdexp.request import Request
from gdexp.search.planning import SEED, Composing, SearchPlan
from gdexp.search.study import JOBS, SAME, Asked, Study
from gdexp.sweeps.grids import Words
from gdexp.sweeps.job import Job
from gdexp.sweeps.planner import MISTAKES
from gdexp.sweeps.record import SweepRecord
from gdexp.tracking.jobs import FINE, PRUNED, JobState, settings_of

MOST_DOUBLES = 200  # trials in a row that ask for what was run before: there is nothing else


@dataclass
class Trial:
    """A trial on its way.

    Parameters
    ----------
    number : int
    asked : Asked, optional
        None where it is over.
    words : tuple of str
        Its overrides, but for the seed of one of several runs.
    jobs : list of int
        Its runs, by number, in the order of their beginnings.
    reached : list of list of float
        What each of them reached, for each objective.
    """

    number: int
    asked: Asked | None
    words: Words = ()
    jobs: list[int] = field(default_factory=list)
    reached: list[list[float]] = field(default_factory=list)

    @property
    def going(self) -> Asked:
        """What it is told with."""
        assert self.asked is not None
        return self.asked

    @property
    def mean(self) -> list[float]:
        """What its runs reached on average."""
        return [math.fsum(each) / len(each) for each in zip(*self.reached, strict=True)]


class Search:
    """Asks for trials and makes jobs of them; hears how those ended.

    Parameters
    ----------
    plan : SearchPlan
    study : Study
    composing : Composing
    """

    def __init__(self, plan: SearchPlan, study: Study, composing: Composing) -> None:
        self.plan, self.study, self._composing = plan, study, composing
        self.record: SweepRecord | None = None  # where jobs are listed before they begin
        self.tell: Callable[[str], None] = partial(print, file=sys.stderr, flush=True)
        self.trials: dict[int, Trial] = {}  # by the numbers of their jobs
        self.tried = 0  # trials that asked for something new
        self._known: dict[str, int] = {}
        self._further: deque[Trial] = deque()  # which have another run before them
        self._left: deque[Job] = deque()  # which were interrupted
        self._stopped = False

    @property
    def _most(self) -> float:
        """How many trials there are to be: no more than there can be."""
        return min(self.plan.settings.trials, self.plan.space.size)

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self._left or self._further) and self.tried >= self._most

    @property
    def standing(self) -> list[JobState]:
        """The jobs that are done before this command does any."""
        left = {job.number for job in self._left}
        jobs = [job for job in self._composing.planner.jobs if job.number not in left]
        return [JobState(job.number, job.folder, self._varies(job)).now().lean() for job in jobs]

    def _varies(self, job: Job) -> dict[str, str]:
        return {name: value for name, value in job.settings.items() if name in self.plan.axes}

    def take(self) -> Job | None:
        """Give the next job; None where there is none now."""
        if self._left and not self._stopped:
            return self._left.popleft()
        doubles = 0
        while not self._stopped and doubles < MOST_DOUBLES:
            if self._further:
                trial = self._further.popleft()
            elif self.tried < self._most and (asked := self.study.ask()):
                trial = Trial(asked.number, asked)
            else:
                break
            if (job := self._job(trial)) is not None:
                return job
            doubles += 1
        return None

    def stop(self) -> None:
        """Ask for no trial any more."""
        self._stopped = True

    def hopeless(self, number: int, epoch: int, merit: float, cost: float) -> str:
        """Say why a job is not to go on after an epoch; empty where it is to."""
        trial, objective = self.trials[number], self.plan.settings.objectives[0]
        value = objective.of_epoch(merit, cost)
        if not trial.going.hopeless(epoch, value):
            return ""
        return f"hopeless after epoch {epoch}, with {objective.name} {objective.told(value)}"

    def ended(self, state: JobState) -> None:
        """Hear how a job ended: its trial is over, or has another run."""
        trial = self.trials[state.number]
        values = [each.of(state.metrics) for each in self.plan.settings.objectives]
        if state.status == PRUNED:
            trial.going.tell_pruned()
        elif state.status != "FINISHED" or not all(map(math.isfinite, values)):
            trial.going.tell_failed()
        else:
            trial.reached.append(values)
            self._passed(trial)

    def _passed(self, trial: Trial) -> None:
        runs = len(trial.reached)
        if runs == self.plan.settings.seeds:
            trial.going.tell(trial.mean)
        elif trial.going.hopeless(runs, trial.mean[0]):
            trial.going.tell_pruned()
        else:
            self._further.append(trial)

    def recall(self, listed: Sequence[Mapping[str, Any]]) -> None:
        """Take up what a command before this one left: the jobs as its record lists them."""
        running = self.study.running()
        for each in listed:
            job, number = self._recalled(each), int(each["trial"])
            known = next((t for t in self.trials.values() if t.number == number), None)
            trial = known or Trial(number, running.get(number), self._words_of(each))
            trial.jobs.append(job.number)
            self.trials[job.number] = trial
            if trial.asked is not None:
                self._stood(trial, job)
        begun = {trial.number for trial in self.trials.values()}
        new = [asked for number, asked in running.items() if number not in begun]
        self._further.extend(Trial(asked.number, asked) for asked in new)
        self.tried = self.study.tried - len(new)

    def _recalled(self, listed: Mapping[str, Any]) -> Job:
        """Take a job into the plan."""
        job = Job(
            number=listed["job"],
            words=tuple(listed["overrides"]),
            folder=Path(listed["folder"]),
            key=listed["config_hash"],
            config_hash=listed["config_hash"],
            group_key=listed["group_key"],
            data="",
            tracking=self.plan.tracking,
            outputs=self.plan.outputs,
        )
        self._composing.planner.recall(job)
        self._known.setdefault(job.config_hash, job.number)
        return job

    def _words_of(self, listed: Mapping[str, Any]) -> Words:
        """Give the overrides of a trial from those of a job of it."""
        values = settings_of(listed["varies"])
        axes = self._composing.space.axes
        return self._composing.space.words(
            {axis.name: values[axis.bare] for axis in axes if axis.bare in values}
        )

    def _stood(self, trial: Trial, job: Job) -> None:
        """See what became of a job whose trial is not over."""
        state = JobState(job.number, job.folder).now()
        if trial in self._further:
            self._further.remove(trial)
        if state.status in (*FINE, "FAILED"):
            self.ended(state)
            return
        trial.jobs.pop()
        words = self._seeded(trial)
        trial.jobs.append(job.number)
        tags = {"gdexp.trial": str(trial.number)}
        self._composing.planner.again(job, words, tags)
        self._left.append(replace(job, words=words))

    def _job(self, trial: Trial) -> Job | None:
        """Make a job of a trial's next run; None where it is none, which is told."""
        new = not trial.jobs
        try:
            trial.words = trial.words or self._words(trial.going)
            words = self._seeded(trial)
            config, request = self._composing.planner.compose(words)
        except MISTAKES as error:
            self.tried += new
            trial.going.tell_failed()
            self.tell(f"trial {trial.number}: {complaint(error, trial.words)}")
            return None
        same = self._known.get(request.config_hash)
        if new and same is not None:
            trial.going.note(SAME, same)
            trial.going.tell_failed()
            return None
        self.tried += new
        return self._planned(trial, words, config, request)

    def _planned(self, trial: Trial, words: Words, config: DictConfig, request: Request) -> Job:
        assert self.record is not None
        request = replace(request, tags={**request.tags, "gdexp.trial": str(trial.number)})
        job = self._composing.planner.take(words, config, request)
        self._known.setdefault(request.config_hash, job.number)
        self.trials[job.number] = trial
        trial.jobs.append(job.number)
        self.record.add(job, trial=trial.number)
        trial.going.note(JOBS, trial.jobs)
        return job

    def _words(self, asked: Asked) -> Words:
        """Have the values of a trial drawn: options first, then the settings that go with them."""
        space = self._composing.space
        values = {axis.name: asked.value(axis) for axis in space.options}
        values |= {axis.name: asked.value(axis) for axis in self._composing.there(values)}
        return space.words(values)

    def _seeded(self, trial: Trial) -> Words:
        """Give the overrides of a trial's next run."""
        if self.plan.settings.seeds == 1:
            return trial.words
        kept = [word for word in trial.words if not word.startswith(f"{SEED}=")]
        first = next((word for word in trial.words if word not in kept), f"{SEED}=0")
        return (*kept, f"{SEED}={int(first.partition('=')[2]) + len(trial.jobs)}")
