"""The launcher for one machine: jobs in several processes, one view of all of them."""

import math
import os
import pickle
from collections.abc import Sequence
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
from gdexp.tracking.jobs import FINE, JobState, settings_of

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
    fail_fast = bool(config.hydra.sweeper.get("fail_fast"))
    watcher = Watcher(len(words), fail_fast=fail_fast, standing=loader.standing)
    packed = [loader.request(each) for each in words]
    states = [watcher.expect(each) for each in packed]
    numbered = [(state.number, each) for state, each in zip(states, packed, strict=True)]
    with watcher.view:
        Pool(perform, min(settings.count, len(words)), watcher).run(numbered)
    return [
        JobReturn(
            overrides=list(each),
            status=JobStatus.COMPLETED,
            _return_value=watcher.merits.get(state.number, math.nan),
        )
        for state, each in zip(states, words, strict=True)
    ]


class Watcher:
    """Follows the jobs for those who look on, and closes the records that workers left open.

    Parameters
    ----------
    total : int
        How many jobs there will be.
    fail_fast : bool
        Whether no job is to begin any more once one has failed.
    standing : sequence of JobState
        Other jobs, which are not to be carried out.
    """

    def __init__(self, total: int, *, fail_fast: bool, standing: Sequence[JobState] = ()) -> None:
        self._states: dict[int, JobState] = {}
        self._packed: dict[int, bytes] = {}
        self._fail_fast = fail_fast
        self.merits: dict[int, float] = {}
        self.view = SweepView(total + len(standing))
        for state in standing:
            self.view.stood(state)

    def expect(self, packed: bytes) -> JobState:
        """Take a job that will begin."""
        request: Request = pickle.loads(packed)
        assert request.job is not None
        varies = settings_of(request.varies)
        state = JobState(request.job, request.output, varies, request.overrides)
        self._states[state.number], self._packed[state.number] = state, packed
        return state

    def begun(self, number: int) -> None:
        """Show that a job has begun."""
        self.view.begun(self._states[number])

    def told(self, number: int, what: Any) -> None:
        """Show how far it is."""
        self.view.reached(number, *what)

    def asked(self, number: int, what: Any) -> Any:
        """Answer nothing: no job of a planned sweep asks."""

    def ended(self, number: int, what: Any) -> bool:
        """Show how it ended; what went wrong is told at once."""
        self.merits[number], mistake = what
        state = self._states[number].now()
        if mistake:
            self.view.tell(f"{state.named}: {mistake}")
        self.view.ended(state)
        return state.status in FINE or not self._fail_fast

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
