"""How a job on a worker tells the command how far it is, with its journal, piece by piece."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gdexp.cluster.parcels import LARGEST, TOPIC, Files, Order
from gdexp.tracking import checkpoint
from gdexp.tracking.journal import NAME

PAUSE = 1.0  # seconds between two pieces
FIRST = 0.25  # and before the first: what is over by then comes as a whole
END = b'{"kind":"end"'  # how the last line of a journal begins
RUNNING = ("running", "paused", "closing_gracefully")  # states of a worker that is of use


class Dropped(KeyboardInterrupt):
    """Nobody waits for the job any more: it was cancelled, or its command is gone."""


class Reporter:
    """Sends what is new in a run's folder, at most every `PAUSE` seconds.

    Whatever a record of the journal refers to goes before it. The last record is held back: it
    goes with the result, so that a journal which has an end has everything. So is all that follows
    a record whose files are too large for a piece.

    Parameters
    ----------
    worker : Worker
        Dask's.
    order : Order
    attempt : str
    folder : Path
    """

    def __init__(self, worker: Any, order: Order, attempt: str, folder: Path) -> None:
        self._worker, self._folder = worker, folder
        self._key = worker.get_current_task()
        self._head = {
            "token": order.token,
            "job": order.number,
            "turn": order.turn,
            "attempt": attempt,
            "worker": worker.address,
        }
        self._last = time.monotonic() + FIRST - PAUSE
        self._sent, self._held = 0, False
        self._checkpoint = ""

    def begin(self) -> None:
        """Say that the job begins; what is in the folder came from the command."""
        journal = self._folder / NAME
        self._sent = journal.stat().st_size if journal.exists() else 0
        self._send(None, b"", {})

    def tell(self, what: tuple[int, int | None, float]) -> None:
        """Say how far the job is, where that was not done just now.

        Raises
        ------
        Dropped
            Where nobody wants to know.
        """
        if self._dropped():
            raise Dropped
        if time.monotonic() - self._last >= PAUSE:
            self._last = time.monotonic()
            found = self._new_checkpoint()  # before the journal, which has what it builds on
            self._send(what, *self._news())
            if found and not self._held:
                self._send(what, b"", found)

    def _dropped(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        cancelled = task is None or task.state == "cancelled"
        return cancelled or self._worker.status.name not in RUNNING

    def _send(self, told: Any, lines: bytes, files: Files) -> None:
        piece = {"told": told, "at": self._sent, "lines": lines, "files": files}
        self._worker.log_event(TOPIC, {**self._head, **piece})
        self._sent += len(lines)

    def _news(self) -> tuple[bytes, Files]:
        """Give whole lines that the journal has now, and the files that they refer to."""
        lines, files, size = b"", dict[str, bytes](), 0
        for line in self._lines():
            more = self._referred(line)
            size += len(line) + sum(map(len, more.values()))
            if size > LARGEST:
                self._held = not lines  # else the rest has its turn next time
                break
            lines, files = lines + line, files | more
        return lines, files

    def _lines(self) -> Iterator[bytes]:
        if self._held:
            return
        with (self._folder / NAME).open("rb") as file:
            file.seek(self._sent)
            for line in file:
                if line.startswith(END) or not line.endswith(b"\n"):
                    return
                yield line

    def _referred(self, line: bytes) -> Files:
        names = json.loads(line).get("artifacts") or []
        return {name: (self._folder / name).read_bytes() for name in names}

    def _new_checkpoint(self) -> Files:
        """Give the last checkpoint, where it is new, and not too large for a piece."""
        for path in checkpoint.listed(self._folder)[:1]:
            if path.name != self._checkpoint and path.stat().st_size <= LARGEST:
                self._checkpoint = path.name
                return {f"{checkpoint.FOLDER}/{path.name}": path.read_bytes()}
        return {}
