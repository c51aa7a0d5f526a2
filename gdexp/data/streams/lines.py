"""Lines as they come: from a pipe, or from a file that grows. None stands for "nothing yet"."""

import os
import select
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from gdexp.errors import GdexpError

TICK = 0.1  # seconds that are waited before saying that nothing has come
AT_ONCE = 1 << 16  # bytes
LONGEST = 1 << 24  # bytes of a line; more than that is no line, and would fill the memory


def piped(descriptor: int) -> Iterator[bytes | None]:
    """Give what comes through a pipe, until it is closed."""
    while True:
        ready, _, _ = select.select([descriptor], [], [], TICK)
        if not ready:
            yield None
            continue
        piece = os.read(descriptor, AT_ONCE)
        if not piece:
            return
        yield piece


def followed(path: Path, idle: float | None) -> Iterator[bytes | None]:
    """Give what a file holds, and what is written to it, as ``tail -f`` does.

    Parameters
    ----------
    path : Path
    idle : float, optional
        Seconds without anything new after which the file has ended; None: it ends only when it
        is removed.

    Raises
    ------
    GdexpError
        Where it is, or becomes, no file that can be read from its beginning to its end.
    """
    try:
        with path.open("rb", buffering=0) as file:
            came = time.monotonic()
            while True:
                if piece := file.read(AT_ONCE):
                    came = time.monotonic()
                    yield piece
                elif _ended(file, path, time.monotonic() - came, idle):
                    return
                else:
                    yield None
                    time.sleep(TICK)
    except OSError as error:
        raise GdexpError(f"data.path: cannot read {path} ({error.strerror}).") from None


def _ended(file: BinaryIO, path: Path, waited: float, idle: float | None) -> bool:
    """Say whether a file that has nothing new will not have any: it is removed, or left alone."""
    now = os.fstat(file.fileno())
    if stat.S_ISREG(now.st_mode) and now.st_size < file.tell():
        raise GdexpError(f"data.path: {path} became shorter while it was followed.")
    return now.st_nlink == 0 or (idle is not None and waited >= idle)


def lines(pieces: Iterable[bytes | None]) -> Iterator[bytes | None]:
    """Cut at the ends of lines; the last line counts also where nothing ends it.

    Raises
    ------
    GdexpError
        Where a line has no end.
    """
    rest = b""
    for piece in pieces:
        if piece is None:
            yield None
            continue
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > LONGEST:
            raise GdexpError(f"data: a line of more than {LONGEST:,} bytes is not an example.")
    if rest:
        yield rest
