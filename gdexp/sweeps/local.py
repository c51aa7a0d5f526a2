"""The launcher for one machine: jobs in several processes, one view of all of them."""

import math
import os
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from gdexp.closing import record_loss
from gdexp.errors import GdexpError, whole
from gdexp.request import Request
from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.performing import perform
from gdexp.sweeps.pool import Pool
from gdexp.terminal import SweepView
from gdexp.tracking.jobs import JobState, settings_of

MOST_WORKERS = 1024


@dataclass(frozen=True)
class Settings:
    """The settings ``launcher.…`` of ``launcher=local``.

    Parameters
    ----------
    workers : int, optional
        How many jobs go at once; None for as many as there are cores.

    Raises
    ------
    SettingError
        Where that is no number of workers.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            whole("launcher.workers", self.workers, 1, "2")
            if self.workers > MOST_WORKERS:
                told = f"launcher.workers must be at most {MOST_WORKERS}. Got {self.workers}."
                raise GdexpError(f"{told} As many as there are cores do best.")

    @property
    def count(self) -> int:
        """How many workers there are, where there are jobs enough."""
        return self.workers or cores()


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def launch(
    settings: Settings, loader: Frozen, config: DictConfig, words: Sequence[Sequence[str]]
) -> list[JobReturn]:
    """Carry out jobs of a planned sweep.

    Parameters
    ----------
    settings : Settings
    loader : Frozen
        Has what the jobs ask for.
    config : DictConfig
        The configuration of the command.
    words : sequence of sequence of str
        The overrides of each job.

    Returns
    -------
    list of JobReturn
        For each job what a sweeper is to maximise; NaN where it failed, or did not begin.
    """
    packed = [loader.request(each) for each in words]
    states = [_state(pickle.loads(each)) for each in packed]
    numbered = {state.number: each for state, each in zip(states, packed, strict=True)}
    fail_fast = bool(config.hydra.sweeper.get("fail_fast"))
    watcher = _Watcher(states, numbered, fail_fast, loader.standing)
    with watcher.view:
        Pool(perform, min(settings.count, len(words)), watcher).run(numbered.items())
    return [
        JobReturn(
            overrides=list(each),
            status=JobStatus.COMPLETED,
            _return_value=watcher.merits.get(state.number, math.nan),
        )
        for state, each in zip(states, words, strict=True)
    ]


def _state(request: Request) -> JobState:
    assert request.job is not None
    return JobState(request.job, request.output, settings_of(request.varies), request.overrides)


class _Watcher:
    """Follows the jobs for those who look on, and closes the records that workers left open."""

    def __init__(
        self,
        states: Sequence[JobState],
        packed: Mapping[int, bytes],
        fail_fast: bool,
        standing: Sequence[JobState] = (),
    ) -> None:
        self._states = {state.number: state for state in states}
        self._packed, self._fail_fast = packed, fail_fast
        self.merits: dict[int, float] = {}
        self.view = SweepView(len(states) + len(standing))
        for state in standing:
            self.view.stood(state)

    def begun(self, number: int) -> None:
        """Show that a job has begun."""
        self.view.begun(self._states[number])

    def told(self, number: int, what: Any) -> None:
        """Show how far it is."""
        self.view.reached(number, *what)

    def ended(self, number: int, what: Any) -> bool:
        """Show how it ended; what went wrong is told at once."""
        self.merits[number], mistake = what
        state = self._states[number].now()
        if mistake:
            self.view.tell(f"{state.named}: {mistake}")
        self.view.ended(state)
        return state.status == "FINISHED" or not self._fail_fast

    def lost(self, number: int, why: str) -> bool:
        """Record the end of a job whose worker is gone, as far as the worker did not."""
        state = self._states[number]
        if not state.now().end:
            told = f"its worker ended without a word ({why})"
            if why == "SIGKILL":
                told += ": it was killed, by somebody or for want of memory"
            with suppress(OSError):
                record_loss(pickle.loads(self._packed[number]), told)
        return self.ended(number, (math.nan, state.now().reason))

    def tick(self) -> None:
        """Bring what is shown up to date."""
        self.view.refresh()
