"""Whoever launches the jobs of a planned sweep tells this of them: it shows, records, returns."""

import math
import os
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from gdexp.closing import record_loss
from gdexp.request import Request
from gdexp.sweeps.frozen import Frozen
from gdexp.terminal import SweepView
from gdexp.tracking.jobs import JobState, settings_of

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
    loader : Frozen
        Has what the jobs ask for.
    config : DictConfig
        The configuration of the command.
    words : sequence of sequence of str
        The overrides of each job.
    """

    def __init__(self, loader: Frozen, config: DictConfig, words: Sequence[Sequence[str]]) -> None:
        packed = [loader.request(each) for each in words]
        states = [_state(pickle.loads(each)) for each in packed]
        self.packed: Mapping[int, bytes] = {
            state.number: each for state, each in zip(states, packed, strict=True)
        }
        self._states = {state.number: state for state in states}
        self._words = words
        self._fail_fast = bool(config.hydra.sweeper.get("fail_fast"))
        self._merits: dict[int, float] = {}
        self.view = SweepView(len(states))

    def begun(self, number: int) -> None:
        """Show that a job has begun."""
        self.view.begun(self._states[number])

    def told(self, number: int, what: Any) -> None:
        """Show how far it is."""
        self.view.reached(number, *what)

    def again(self, number: int, why: str) -> None:
        """Say that a job begins once more."""
        self.view.tell(f"{self._states[number].named}: {why}")

    def ended(self, number: int, what: Any) -> bool:
        """Show how it ended; what went wrong is told at once."""
        self._merits[number], mistake = what
        state = self._states[number].now()
        if mistake:
            self.view.tell(f"{state.named}: {mistake}")
        self.view.ended(state)
        return state.status == "FINISHED" or not self._fail_fast

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

    def returned(self) -> list[JobReturn]:
        """Give for each job what a sweeper is to maximise; NaN where it came to no end."""
        return [
            JobReturn(
                overrides=list(each),
                status=JobStatus.COMPLETED,
                _return_value=self._merits.get(number, math.nan),
            )
            for number, each in zip(self._states, self._words, strict=True)
        ]


def _state(request: Request) -> JobState:
    assert request.job is not None
    return JobState(request.job, request.output, settings_of(request.varies), request.overrides)
