"""A search on its way: trials are asked for, become jobs, and are told what came of them."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from omegaconf import DictConfig

from gdexp.complain import complaint
from gdexp.request import Request
from gdexp.search.planning import SEED, Composing, SearchPlan
from gdexp.search.study import JOBS, SAME, Asked, Study
from gdexp.sweeps.grids import Words
from gdexp.sweeps.planning import MISTAKES, Job
from gdexp.sweeps.record import SweepRecord
from gdexp.tracking.jobs import PRUNED, JobState

MOST_DOUBLES = 200  # trials in a row that ask for what was run before: there is nothing else


@dataclass
class Trial:
    """A trial on its way.

    Parameters
    ----------
    asked : Asked
    words : tuple of str
        Its overrides, but for the seed of one of several runs.
    jobs : list of int
        Its runs, by number, in the order of their beginnings.
    reached : list of list of float
        What each of them reached, for each objective.
    """

    asked: Asked
    words: Words
    jobs: list[int] = field(default_factory=list)
    reached: list[list[float]] = field(default_factory=list)

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
    record : SweepRecord
        Where jobs are listed before they begin.
    tell : callable
        Says something to whoever looks on.
    """

    def __init__(
        self,
        plan: SearchPlan,
        study: Study,
        composing: Composing,
        record: SweepRecord,
        tell: Callable[[str], None],
    ) -> None:
        self.plan, self.study, self._composing, self._record = plan, study, composing, record
        self.tell = tell
        self.trials: dict[int, Trial] = {}  # by the numbers of their jobs
        self.tried = 0  # trials that asked for something new
        self._known: dict[str, int] = {}
        self._further: deque[Trial] = deque()  # which have another run before them
        self._stopped = False

    def take(self) -> Job | None:
        """Give the next job; None where there is none now."""
        doubles = 0
        while not self._stopped and doubles < MOST_DOUBLES:
            if self._further:
                trial = self._further.popleft()
            elif self.tried < self.plan.settings.trials and (asked := self.study.ask()):
                trial = Trial(asked, ())
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
        if not trial.asked.hopeless(epoch, value):
            return ""
        return f"hopeless after epoch {epoch}, with {objective.name} {objective.told(value)}"

    def ended(self, state: JobState) -> None:
        """Hear how a job ended: its trial is over, or has another run."""
        trial = self.trials[state.number]
        values = [each.of(state.metrics) for each in self.plan.settings.objectives]
        if state.status == PRUNED:
            trial.asked.tell_pruned()
        elif state.status != "FINISHED" or not all(map(math.isfinite, values)):
            trial.asked.tell_failed()
        else:
            trial.reached.append(values)
            self._passed(trial)

    def _passed(self, trial: Trial) -> None:
        runs = len(trial.reached)
        if runs == self.plan.settings.seeds:
            trial.asked.tell(trial.mean)
        elif trial.asked.hopeless(runs, trial.mean[0]):
            trial.asked.tell_pruned()
        else:
            self._further.append(trial)

    def _job(self, trial: Trial) -> Job | None:
        """Make a job of a trial's next run; None where it is none, which is told."""
        new = not trial.jobs
        try:
            trial.words = trial.words or self._words(trial.asked)
            words = self._seeded(trial)
            config, request = self._composing.planner.compose(words)
        except MISTAKES as error:
            self.tried += new
            trial.asked.tell_failed()
            self.tell(f"trial {trial.asked.number}: {complaint(error, trial.words)}")
            return None
        same = self._known.get(request.config_hash)
        if new and same is not None:
            trial.asked.note(SAME, same)
            trial.asked.tell_failed()
            return None
        self.tried += new
        return self._planned(trial, words, config, request)

    def _planned(self, trial: Trial, words: Words, config: DictConfig, request: Request) -> Job:
        number = trial.asked.number
        request = replace(request, tags={**request.tags, "gdexp.trial": str(number)})
        job = self._composing.planner.take(words, config, request)
        self._known.setdefault(request.config_hash, job.number)
        self.trials[job.number] = trial
        trial.jobs.append(job.number)
        self._record.add(job, trial=number)
        trial.asked.note(JOBS, trial.jobs)
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
