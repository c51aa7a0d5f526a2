"""The journal of a run: append-only, one record a line, each line with its checksum.

A line is a JSON object whose last member, "crc", is the CRC-32 of the line without that member.
Numbers that JSON does not have (NaN, the infinities) are written as strings, which `float` reads.
"""

import json
import math
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gdexp.errors import GdexpError, flag, one_of
from gdexp.tracking.form import check

NAME = "journal.jsonl"
LONGEST = 64 * 2**20  # bytes of a line
DAMAGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_CRC = ',"crc":"'


class JournalError(GdexpError):
    """A journal that is damaged; the message names the file and the line."""


@dataclass(frozen=True)
class Journaling:
    """When what was written is made sure to be on the disk.

    Each record is handed to the system at once, so that it outlives the process. Only a power cut,
    or a crash of the system, can take what the system has not yet written: `fsync` waits for that.

    Parameters
    ----------
    fsync : {"second", "epoch", "never"}
        ``epoch``: after each record. ``second``: where the last time was a second ago, and at the
        end. ``never``: the system writes when it likes, usually within half a minute.
    updates : bool
        Whether the cost of each update's mini-batch is written down, too.

    Raises
    ------
    SettingError
        Where it is none of them.
    """

    fsync: str = "second"
    updates: bool = False

    def __post_init__(self) -> None:
        flag("updates", self.updates)
        one_of("fsync", self.fsync, PAUSES)

    @property
    def pause(self) -> float:
        """Seconds from one time to the next, at least."""
        return PAUSES[self.fsync]


PAUSES = {"second": 1.0, "epoch": 0.0, "never": math.inf}


class Journal:
    """Writes a journal in a run's output folder.

    Parameters
    ----------
    folder : Path
        The run's own folder.
    journaling : Journaling
        When it is made sure to be on the disk.
    count : int
        Records that are there already, of a run that goes on; 0: the journal is a new one.

    Raises
    ------
    FileExistsError
        Where the folder holds a journal already: a run never writes into another's.
    """

    def __init__(self, folder: Path, journaling: Journaling | None = None, count: int = 0) -> None:
        self._file = (folder / NAME).open("a" if count else "x", encoding="utf-8")
        self._pause, self._synced = (journaling or Journaling()).pause, time.monotonic()
        self.count = count

    @classmethod
    def reopened(cls, folder: Path) -> "Journal":
        """Go on with the journal of a process that is gone; a line that it left half is cut.

        Raises
        ------
        FileNotFoundError
            Where there is none.
        """
        path = folder / NAME
        with path.open("r+b") as file:
            whole = file.read()
            file.truncate(whole.rfind(b"\n") + 1)
        if not (count := whole.count(b"\n")):
            path.unlink()  # not one record was written
        return cls(folder, count=count)

    def write(self, kind: str, **content: Any) -> None:
        """Append one record, stamped with the time (ms since 1970), and hand it to the system."""
        record = {"kind": kind, "time": round(time.time() * 1000), **content}
        self._file.write(seal(record) + "\n")
        self._file.flush()
        self.count += 1
        if time.monotonic() - self._synced >= self._pause:
            self.sync()

    def sync(self) -> None:
        """Wait until all is on the disk."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    @property
    def closed(self) -> bool:
        """Whether the end is written."""
        return self._file.closed

    def close(self) -> None:
        """Write no more."""
        if self._pause < math.inf:
            self.sync()
        self._file.close()


def seal(record: dict[str, Any]) -> str:
    """Write a record as a line, without its end, that carries its own checksum."""
    body = json.dumps(_speakable(record), separators=(",", ":"), allow_nan=False)
    return f'{body[:-1]}{_CRC}{zlib.crc32(body.encode()):08x}"}}'


def unseal(line: str) -> dict[str, Any]:
    """Read a line; ValueError where it is not what was written."""
    content, found, crc = line.rpartition(_CRC)
    body = content + "}"
    if not found or crc != f'{zlib.crc32(body.encode()):08x}"}}':
        raise ValueError("checksum does not match")
    try:
        record: dict[str, Any] = json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return record


def read_line(line: bytes) -> dict[str, Any]:
    """Read a line, without its end, of a journal that is not trusted.

    Raises
    ------
    ValueError
        Where it is not what was written, or holds what no journal does.
    """
    return check(unseal(line.decode()))


def lines(file: IO[bytes]) -> Iterator[bytes]:
    """Give the lines of a journal, each with its end.

    Raises
    ------
    ValueError
        At one that is longer than any record is.
    """
    while line := file.readline(LONGEST):
        if len(line) == LONGEST:
            raise ValueError(f"it is longer than {LONGEST >> 20} MiB")
        yield line


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """Have records that lack what is read of them told as the damage that it is."""
    try:
        yield
    except GdexpError:
        raise
    except DAMAGE as error:
        told = " ".join(str(error).split())[:100]
        what = f"lacks {told}" if isinstance(error, KeyError) else told
        raise JournalError(f"{folder / NAME}: is not that of a run ({what})") from None


class Reader:
    """Reads a journal as it grows.

    Parameters
    ----------
    folder : Path
        The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._at, self._line = folder / NAME, 0, 0

    @property
    def at(self) -> int:
        """Bytes that are read."""
        return self._at

    def new(self) -> Iterator[dict[str, Any]]:
        """Give the records since the last call; a line still being written waits for the next.

        Raises
        ------
        JournalError
            At a line that is not what was written.
        """
        with self._path.open("rb") as file:
            file.seek(self._at)
            while line := self._next(file):
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                self._line += 1
                yield self._read(line[:-1])

    def _next(self, file: IO[bytes]) -> bytes:
        try:
            return next(lines(file), b"")
        except ValueError as error:
            raise JournalError(f"{self._path}, line {self._line + 1}: {error}") from None

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            return read_line(line)
        except ValueError as error:
            raise JournalError(f"{self._path}, line {self._line}: {error}") from None


def _speakable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _speakable(each) for key, each in value.items()}
    return [_speakable(each) for each in value] if isinstance(value, list | tuple) else value


def mend(folder: Path) -> str:
    """Drop what a power cut left of the last records, so that the journal can go on.

    Returns
    -------
    str
        What was dropped, in a word; empty where nothing was.

    Raises
    ------
    JournalError
        At a line that is not what was written, where whole ones follow it: that was no power cut.
    """
    path, whole, count, torn = folder / NAME, 0, 0, 0
    why = ""
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("its end is missing")
                read_line(line[:-1])
            except ValueError as error:
                torn, why = torn + 1, why or str(error)
                continue
            if torn:
                raise JournalError(f"{path}, line {count + 1}: {why}")
            whole, count = whole + len(line), count + 1
    if not torn:
        return ""
    with path.open("r+b") as file:
        file.truncate(whole)
        os.fsync(file.fileno())
    what = f"line {count + 1} was" if torn == 1 else f"lines {count + 1} to {count + torn} were"
    return f"{path}: {what} torn, as by a power cut, and dropped"
