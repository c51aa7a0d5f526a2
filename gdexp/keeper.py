"""Keeps a run's checkpoints: when one is due, and what goes into it."""

import time
from contextlib import suppress
from pathlib import Path

from gdexp.descent import State, Vector
from gdexp.diagnostics import Inspection
from gdexp.tracking import Checkpointing, Journal, checkpoint
from gdexp.tracking.checkpoint import Checkpoint

PAUSE = 0.25  # seconds from one copy of the state to the next: what Ctrl-C costs, beside the epoch
SHARE = 0.01  # of the time may go into copies, and as much into checkpoints


class Keeper:
    """Copies a run's state now and then, and writes a copy down when a checkpoint is due.

    A copy is taken between two epochs, and at most every `PAUSE` seconds, so that there is always
    one that is whole and not old: a run that is broken off writes that one. Epochs after it are
    gone through again when the run goes on. What takes long is done less often, unless a checkpoint
    is asked for after every epoch.

    Parameters
    ----------
    checkpointing : Checkpointing
    folder : Path
        The run's own.
    state : State
    inspection : Inspection
    journal : Journal
    began : float
        By `time.perf_counter`, when the run would have begun had it not been interrupted.
    """

    def __init__(
        self,
        checkpointing: Checkpointing,
        folder: Path,
        state: State,
        inspection: Inspection,
        journal: Journal,
        began: float,
    ) -> None:
        self._seconds, self._folder, self._began = checkpointing.seconds, folder, began
        self._state, self._inspection, self._journal = state, inspection, journal
        self._copy: Checkpoint | None = None  # not yet written
        now = time.perf_counter()
        self._next_copy, self._due = now, now + (self._seconds or 0)

    def passed(self) -> None:
        """Do what is due after an epoch.

        Raises
        ------
        OSError
            Where a checkpoint cannot be written.
        """
        if self._seconds is None or (began := time.perf_counter()) < self._next_copy:
            return
        self.copy()
        copied = time.perf_counter()
        self._next_copy = copied + self._pause(PAUSE, copied - began)
        if copied >= self._due:
            self.write()
            self._due = copied + self._pause(self._seconds, time.perf_counter() - copied)

    def _pause(self, least: float, took: float) -> float:
        """Give the seconds to the next time, so that it takes no more than its share."""
        return max(least, took / SHARE) if self._seconds else 0.0

    def broken_off(self) -> None:
        """Write the last copy down, if the disk lets it."""
        with suppress(OSError):
            self.write()

    def finished(self) -> None:
        """Remove all checkpoints: the run needs none any more."""
        checkpoint.remove(self._folder)

    def copy(self) -> None:
        """Take a copy of the state, as it is between two epochs."""
        self._copy = self._of_state()

    def write(self) -> None:
        """Write the last copy down, where it is not yet.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        if self._copy is not None:
            self._journal.sync()  # what a checkpoint builds on is on the disk before it
            checkpoint.write(self._folder, self._copy.facts["counts"][0], self._copy)
            self._copy = None

    def _of_state(self) -> Checkpoint:
        state = self._state
        facts, arrays = self._inspection.memory()
        arrays = {f"looks.{name}": v for name, v in arrays.items()}  # which nobody changes
        vectors: dict[str, Vector] = {"v": state.v}
        vectors |= {f"memory.{name}": each for name, each in state.memory.items()}
        if state.best is not None:
            vectors["best"] = state.best
        arrays |= {name: each.copy() for name, each in vectors.items()}
        told = {
            "counts": [state.epoch, state.updates, state.examples],
            "seconds": state.seconds,
            "rng": state.rng.bit_generator.state,
            "elapsed": time.perf_counter() - self._began,
            "journal": self._journal.count,
            "looks": facts,
        }
        return Checkpoint(told, arrays)
