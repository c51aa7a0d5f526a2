"""Published files from the first mirror that gives them whole and unchanged."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gdexp.data.idx import FileError, sha256_unpacked
from gdexp.data.progress import Progress
from gdexp.errors import GdexpError

SECONDS = 10  # without any answer, after which a mirror counts as absent
CHUNK = 1 << 16


@dataclass(frozen=True)
class Published:
    """A file as its authors published it.

    Parameters
    ----------
    name : str
        Its name; mirrors have it with ``.gz`` after that.
    size : int
        How many bytes it has when it is unpacked.
    sha256 : str
        The sum of those bytes: how they are packed differs from place to place.
    """

    name: str
    size: int
    sha256: str

    def is_at(self, path: Path) -> bool:
        """Tell whether the file at `path`, packed or not, holds exactly these bytes."""
        try:
            return sha256_unpacked(path, self.size) == self.sha256
        except FileError:
            return False


def download(file: Published, folder: Path, mirrors: Sequence[str], progress: Progress) -> None:
    """Bring a file into a folder, packed, from the first mirror that has it right.

    It gets its name only once it is whole and its sum is right. One process at a time may
    bring the same file into the same folder.

    Parameters
    ----------
    file : Published
        Which file.
    folder : Path
        Where it goes; the folder exists.
    mirrors : sequence of str
        Addresses of the folders that have it, tried in turn.
    progress : Progress
        Shows how far it is.

    Raises
    ------
    GdexpError
        Where no mirror gave it; the message is each mirror's reason.
    """
    from http.client import HTTPException

    reasons = []
    for mirror in mirrors:
        try:
            return _fetch(f"{mirror.rstrip('/')}/{file.name}.gz", file, folder, progress)
        except (OSError, ValueError, HTTPException, GdexpError) as error:
            reasons.append(f"{mirror}: {_reason(error)}")
    raise GdexpError("; ".join(reasons) or "no mirror is set")


def _fetch(url: str, file: Published, folder: Path, progress: Progress) -> None:
    part = folder / f".{file.name}.part.gz"
    try:
        _receive(url, part, file, progress)
        got = sha256_unpacked(part, file.size)
        if got != file.sha256:
            raise GdexpError(f"SHA-256 {got[:8]}..., expected {file.sha256[:8]}...")
        part.replace(folder / f"{file.name}.gz")
    finally:
        part.unlink(missing_ok=True)


def _receive(url: str, part: Path, file: Published, progress: Progress) -> None:
    from urllib.request import urlopen

    with urlopen(url, timeout=SECONDS) as answer, part.open("wb") as out:
        # Packing saves much, or costs a little: an answer without end is cut off here.
        total, got, most = answer.length, 0, file.size + file.size // 1000 + 1024
        with progress(f"downloading {url}", total) as advance:
            while chunk := answer.read(CHUNK):
                got += len(chunk)
                if got > most:
                    raise GdexpError(f"more than {most} bytes, expected about {file.size} at most")
                out.write(chunk)
                advance(len(chunk))
        if total is not None and got < total:
            raise GdexpError(f"cut short: {got} bytes, expected {total}")
        out.flush()
        os.fsync(out.fileno())


def _reason(error: Exception) -> str:
    from urllib.error import HTTPError, URLError

    told: object = error
    if isinstance(error, HTTPError):
        error.close()  # it is the answer too, and holds a connection
    elif isinstance(error, URLError):
        told = error.reason
    elif isinstance(error, FileError):
        told = f"what it gave {error.what}"  # the name is that of a file that is gone
    return " ".join(str(told).split()) or type(error).__name__
