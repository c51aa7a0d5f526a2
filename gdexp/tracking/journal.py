"""The journal of a run: append-only, one record a line, each line with its checksum.

A line is a JSON object whose last member, "crc", is the CRC-32 of the line without that member.
Numbers that JSON does not have (NaN, the infinities) are written as strings, which `float` reads.
"""

import json
import math
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gdexp.errors import GdexpError

NAME = "journal.jsonl"
_CRC = ',"crc":"'


class JournalError(GdexpError):
    """A journal that is damaged; the message names the file and the line."""


class Journal:
    """Writes a new journal in a run's output folder.

    Parameters
    ----------
    folder : Path
        The run's own folder.

    Raises
    ------
    FileExistsError
        Where the folder holds a journal already: a run never writes into another's.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / NAME).open("x", encoding="utf-8")

    @classmethod
    def reopened(cls, folder: Path) -> "Journal":
        """Go on with the journal of a process that is gone; a line that it left half is cut.

        Raises
        ------
        FileNotFoundError
            Where there is none.
        """
        journal = cls.__new__(cls)
        journal._file = (folder / NAME).open("r+", encoding="utf-8")
        whole = (folder / NAME).read_bytes().rfind(b"\n") + 1
        journal._file.truncate(whole)
        journal._file.seek(whole)
        return journal

    def write(self, kind: str, **content: Any) -> None:
        """Append one record, stamped with the time (ms since 1970), and hand it to the system."""
        record = {"kind": kind, "time": round(time.time() * 1000), **content}
        self._file.write(seal(record) + "\n")
        self._file.flush()

    @property
    def closed(self) -> bool:
        """Whether the end is written."""
        return self._file.closed

    def close(self) -> None:
        """Write no more."""
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
    record: dict[str, Any] = json.loads(body)
    return record


class Reader:
    """Reads a journal as it grows.

    Parameters
    ----------
    folder : Path
        The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._at, self._line = folder / NAME, 0, 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Give the records since the last call; a line still being written waits for the next.

        Raises
        ------
        JournalError
            At a line that is not what was written.
        """
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                self._line += 1
                yield self._read(line[:-1])

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            return unseal(line.decode())
        except ValueError as error:
            raise JournalError(f"{self._path}, line {self._line}: {error}") from None


def _speakable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _speakable(each) for key, each in value.items()}
    return [_speakable(each) for each in value] if isinstance(value, list | tuple) else value
