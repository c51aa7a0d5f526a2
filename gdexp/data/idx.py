"""Reader of IDX files, the format in which MNIST is published.

An IDX file is a magic number of four bytes (0, 0, the type of the elements, the number of
dimensions), then each dimension as a big-endian word of four bytes, then the elements.
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import GdexpError

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
MOST_BYTES = 4 << 30  # of the elements: a small file may unpack to more than memory holds


class FileError(GdexpError):
    """A file that is not as it should be.

    Parameters
    ----------
    path : Path
        Which file.
    what : str
        What is wrong with it, to stand after its name.
    advice : str
        What to do, a whole sentence.
    """

    def __init__(self, path: Path, what: str, advice: str = "Fetch the file anew.") -> None:
        super().__init__(path, what, advice)
        self.path, self.what, self.advice = path, what, advice

    def __str__(self) -> str:
        return f"{self.path} {self.what}. {self.advice}"


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, packed with gzip or not.

    The content decides whether it is unpacked, not the name.

    Parameters
    ----------
    path : Path
        The file.
    ndim : int
        How many dimensions it must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray of uint8, shape (n, ...)
        A new array, with the dimensions of the file's header.

    Raises
    ------
    FileError
        Where the file cannot be read, is cut short or too long, is damaged, or is of another
        type or number of dimensions.
    """
    with _unpacked(path) as stream:
        shape = _shape(path, stream.read(4 + 4 * ndim), ndim)
        size = math.prod(shape)
        body = bytearray()
        # The header may promise terabytes: nothing is allocated beyond what the file holds.
        most = min(size, MOST_BYTES)
        while len(body) < most and (chunk := stream.read(min(CHUNK, most - len(body)))):
            body += chunk
        surplus = len(stream.read(CHUNK))  # of more it is not said how much
    if len(body) == most < size:
        raise FileError(path, f"is too large: it holds more than {MOST_BYTES >> 20} MiB")
    told = f"its header says {' x '.join(map(str, shape))} = {size} bytes after it"
    if len(body) < size:
        raise FileError(path, f"is cut short: {told}, got {len(body)}")
    if surplus:
        raise FileError(path, f"is too long: {told}, got {size + surplus}")
    try:
        return np.frombuffer(body, np.uint8).reshape(shape)
    except ValueError:  # such as 0 x 4294967295 x 4294967295: no bytes, and still no array
        raise FileError(path, f"has impossible dimensions: {told}") from None


def sha256_unpacked(path: Path, most: int) -> str:
    """Hash the bytes of a file, those that are packed if it is a gzip file.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        How many bytes it may hold, so that a small file that unpacks to an endless one ends.

    Returns
    -------
    str
        The SHA-256 in 64 hex digits.

    Raises
    ------
    FileError
        Where the file cannot be read, is damaged, or holds more than `most` bytes.
    """
    of, size = hashlib.sha256(), 0
    with _unpacked(path) as stream:
        for chunk in _chunks(stream):
            size += len(chunk)
            if size > most:
                raise FileError(path, f"is too long: it must hold {most} bytes, got more")
            of.update(chunk)
    return of.hexdigest()


def _shape(path: Path, head: bytes, ndim: int) -> tuple[int, ...]:
    if not head:
        raise FileError(path, "is empty")
    wanted = bytes((0, 0, UNSIGNED_BYTE, ndim))
    told = f"magic number 0x{head[:4].hex()}, expected 0x{wanted.hex()}"
    if head[:2] != wanted[: len(head[:2])]:
        raise FileError(path, f"is not an IDX file: {told}")
    if len(head) > 2 and head[2] != UNSIGNED_BYTE:
        what = f"holds elements of type 0x{head[2]:02x}, expected 0x08 (unsigned bytes): {told}"
        raise FileError(path, what, "Save them as unsigned bytes.")
    if len(head) > 3 and head[3] != ndim:
        advice = "Check that images and labels are not swapped."
        raise FileError(path, f"has {head[3]} dimensions, expected {ndim}: {told}", advice)
    if len(head) < 4 + 4 * ndim:
        what = f"is cut short: its header must be {4 + 4 * ndim} bytes, got {len(head)}"
        raise FileError(path, what)
    return tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, len(head), 4))


@contextmanager
def _unpacked(path: Path) -> Iterator[BufferedIOBase]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield stream
            elif path.suffix == ".gz":
                start = raw.read(2).hex() or "nothing"
                what = f"is not gzip, as its name says: starts with {start}, expected {GZIP.hex()}"
                raise FileError(path, what)
            else:
                yield raw
    except EOFError as error:
        raise FileError(path, "is cut short: its gzip stream has no end") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(path, f"is damaged: its gzip stream is bad ({error})") from error
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise FileError(path, what, "Check the file and who may read it.") from error


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk
