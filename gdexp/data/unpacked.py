"""Files of text as they are unpacked: a small one may unpack to more than memory holds."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gdexp.errors import GdexpError


class Limited(io.RawIOBase):
    """Gives what a file has, and an error where that is more than it may have.

    Parameters
    ----------
    file : IO
        Of bytes.
    most : int
        How many there may be.
    """

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most, self._left = file, most, most

    def readable(self) -> bool:
        """Say that it is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on."""
        found = self._file.read(len(buffer))
        self._left -= len(found)
        if self._left < 0:
            raise GdexpError(f"holds more than {self._most >> 20} MiB of text. Take a smaller one.")
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def unpacked(path: Path, most: int) -> Iterator[IO[bytes]]:
    """Open a file that may be packed, as its name says: .gz, .bz2, .xz, .zst, or .zip.

    Raises
    ------
    GdexpError
        Where it unpacks to more than `most` bytes.
    OSError, ValueError
        Where it cannot be unpacked.
    """
    with _opened(path) as file, io.BufferedReader(Limited(file, most)) as limited:
        yield limited


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
            if len(names) != 1:
                raise ValueError(f"a zip file must hold one file, and holds {len(names)}")
            with packed.open(names[0]) as file:
                yield file
        return
    if path.suffix == ".zst":
        import pyarrow

        with pyarrow.input_stream(str(path), compression="zstd") as stream:
            yield stream
        return
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "rb") as file:
        yield file
