"""Whoever launches the jobs of a planned sweep tells this of them: it shows, records, returns."""

import math
import os
import pickle
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from gdexp.closing import record_loss
from gdexp.request import Request
from gdexp.sweeps.frozen import Frozen
from gdexp.terminal import SweepView
from gdexp.tracking.jobs import FINE, JobState, settings_of

MOST_WORKERS = 1024  # on one machine


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
        self.packed: dict[int, bytes] = {}
        self.merits: dict[int, float] = {}
        self._states: dict[int, JobState] = {}
        self._fail_fast = fail_fast
        self.view = SweepView(total + len(standing))
        for state in standing:
            self.view.stood(state)

    def expect(self, packed: bytes) -> JobState:
        """Take a job that will begin."""
        request: Request = pickle.loads(packed)
        assert request.job is not None
        varies = settings_of(request.varies)
        state = JobState(request.job, request.output, varies, request.overrides)
        self._states[state.number], self.packed[state.number] = state, packed
        return state

    def begun(self, number: int) -> None:
        """Show that a job has begun."""
        self.view.begun(self._states[number])

    def told(self, number: int, what: Any) -> None:
        """Show how far it is."""
        self.view.reached(number, *what)

    def asked(self, number: int, what: Any) -> Any:
        """Answer nothing: no job of a planned sweep asks."""

    def again(self, number: int, why: str) -> None:
        """Say that a job begins once more."""
        self.view.tell(f"{self._states[number].named}: {why}")

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
        told = f"its worker ended without a word ({why})"
        if why == "SIGKILL":
            told += ": it was killed, by somebody or for want of memory"
        self.close(number, told)
        return self.ended(number, (math.nan, self._states[number].now().reason))

    def close(self, number: int, why: str, status: str = "KILLED") -> None:
        """Write the end of a job that nobody else will write."""
        if not self._states[number].now().end:
            request: Request = pickle.loads(self.packed[number])
            with suppress(OSError):
                record_loss(request, why, status)

    def tick(self) -> None:
        """Bring what is shown up to date."""
        self.view.refresh()

    def returned(self, words: Sequence[Sequence[str]]) -> list[JobReturn]:
        """Give for each job what a sweeper is to maximise; NaN where it came to no end."""
        return [
            JobReturn(
                overrides=list(each),
                status=JobStatus.COMPLETED,
                _return_value=self.merits.get(number, math.nan),
            )
            for number, each in zip(self._states, words, strict=True)
        ]


def watching(loader: Frozen, config: DictConfig, words: Sequence[Sequence[str]]) -> Watcher:
    """Expect the jobs of a planned sweep.

    Parameters
    ----------
    loader : Frozen
        Has what the jobs ask for.
    config : DictConfig
        The configuration of the command.
    words : sequence of sequence of str
        The overrides of each job.
    """
    fail_fast = bool(config.hydra.sweeper.get("fail_fast"))
    watcher = Watcher(len(words), fail_fast=fail_fast, standing=loader.standing)
    for each in words:
        watcher.expect(loader.request(each))
    return watcher
