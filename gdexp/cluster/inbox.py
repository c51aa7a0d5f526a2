"""A job's folder in the command's outputs, filled with what comes from its worker."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gdexp.cluster.parcels import Answer, gathered, packed, unpacked, write
from gdexp.tracking import checkpoint
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME


class Inbox:
    """Takes pieces of a journal, one after another, and at the end all that a run has left.

    Only one attempt at the job is listened to.

    Parameters
    ----------
    folder : Path
        The run's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempt = ""
        self.worker = ""
        self.lost = 0  # attempts whose workers are gone
        self._hold: Hold | None = None

    @property
    def has(self) -> int:
        """Bytes of the journal that are here."""
        journal = self.folder / NAME
        return journal.stat().st_size if journal.exists() else 0

    @property
    def begun(self) -> bool:
        """Whether any worker has begun it."""
        return bool(self.attempt or self.has)

    def open(self, piece: Mapping[str, Any]) -> bool:
        """Listen to the attempt that a piece is from; False where that is another one already."""
        if not self.attempt:
            self.attempt, self.worker = piece["attempt"], piece["worker"]
            self._make()
        same: bool = self.attempt == piece["attempt"]
        return same

    def take(self, piece: Mapping[str, Any]) -> None:
        """Write a piece down, files first: the journal's lines refer to them."""
        if piece["at"] == self.has:
            write(piece["files"], self.folder)
            self._append(piece["lines"])
            for old in checkpoint.listed(self.folder)[checkpoint.KEPT :]:
                old.unlink(missing_ok=True)

    def finish(self, answer: Answer) -> None:
        """Write down all that the run has left, the rest of its journal last."""
        self._make()
        files = unpacked(answer.files)
        journal = files.pop(NAME, b"")
        write(files, self.folder)
        if not any(name.startswith(checkpoint.FOLDER) for name in files):
            checkpoint.remove(self.folder)
        self._append(journal[self.has :])
        self.close(remove=True)

    def give_up(self) -> None:
        """Listen to no attempt, until another one begins."""
        self.lost += bool(self.attempt)
        self.attempt = ""

    def so_far(self) -> bytes:
        """Give all that is here, packed, for another attempt; nothing where nothing has begun."""
        return packed(gathered(self.folder)) if self.has else b""

    def close(self, *, remove: bool = False) -> None:
        """Let the folder go."""
        if self._hold is not None:
            self._hold.let_go(remove=remove)

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._hold is None:
            with suppress(OSError):
                self._hold = Hold(self.folder, RUN)

    def _append(self, lines: bytes) -> None:
        if lines:
            with (self.folder / NAME).open("ab") as file:
                file.write(lines)
