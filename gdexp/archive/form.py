"""The form of an archive, and the reading of one that is not trusted.

An archive is a zip file::

    manifest.json                what it is, and size and SHA-256 of every other file
    runs/ID/run.json             name, times, status, parameters, tags, data sets of a run
    runs/ID/points.jsonl         every point of its metrics: [name, value, time, step], one a line
    runs/ID/artifacts/...        its files

All of it is checked when it is opened: nothing has been written anywhere until then.
"""

import hashlib
import json
import math
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from gdexp.archive.listing import Listed, read_listed
from gdexp.errors import GdexpError

FORMAT, VERSION = "gdexp-archive", 1
MANIFEST = "manifest.json"
RUN, POINTS, FILES = "run.json", "points.jsonl", "artifacts"

MOST_FILES = 200_000
MOST_BYTES = 64 * 2**30  # of all files
MOST_TEXT = 64 * 2**20  # of the manifest, and of a run's description
MOST_LISTING = 128 * 2**20  # of the zip file's own list of what is in it
LONGEST_LINE = 2**16  # of a point
LONGEST_NAME, LONGEST_PART = 1000, 255  # bytes of a path, and between two slashes
CHUNK = 2**20

_MEMBER = re.compile(rf"runs/([0-9a-f]{{32}})/(?:{RUN}|{POINTS}|{FILES}/.+)".replace(".j", r"\.j"))
_SYMLINK, _KIND = 0o120000, 0o170000


class ArchiveError(GdexpError):
    """A file that is no archive, is damaged, or holds what an archive must not."""


class Archive:
    """An archive, opened and checked; nothing in it has been written anywhere.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ArchiveError
        Where it is not an archive as it was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as opened:
            try:
                _check_listing(path)
                self._zip = opened.enter_context(zipfile.ZipFile(path))
                self.sizes = self._checked()
                self.runs = [self._listed(run) for run in sorted(self._ids())]
            except Exception as error:  # whatever damage makes zipfile, zlib or json say
                raise self._refused(_told(error)) from None
            opened.pop_all()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    @property
    def total(self) -> int:
        """The size of all files, in bytes."""
        return sum(self.sizes.values())

    def points(self, run: str) -> Iterator[tuple[str, float, int, int]]:
        """Give the points of a run: name, value, time and step."""
        with self._zip.open(f"runs/{run}/{POINTS}") as file:
            while line := file.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise self._refused("a point is longer than a point can be")
                yield self._point(line)

    def files(self, run: str) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
        """Give the files of a run, by their paths below its artifacts."""
        prefix = f"runs/{run}/{FILES}/"
        for name in self.sizes:
            if name.startswith(prefix):
                with self._zip.open(name) as file:
                    yield PurePosixPath(name.removeprefix(prefix)), file

    def _point(self, line: bytes) -> tuple[str, float, int, int]:
        try:
            name, value, time, step = json.loads(line)
            if not (isinstance(name, str) and type(time) is int and type(step) is int):
                raise TypeError
            return name, float(value), time, step
        except (ValueError, TypeError, RecursionError):
            raise self._refused(f"{line[:60]!r} is no point") from None

    def _checked(self) -> dict[str, int]:
        """Hold what is there against the manifest; give the sizes of all files but that."""
        infos = self._zip.infolist()
        if len(infos) > MOST_FILES:
            raise ValueError(f"more than {MOST_FILES:,} files")
        for info in infos:
            _check_member(info)
        by_name = {info.filename: info for info in infos}
        if len(by_name) < len(infos):
            raise ValueError("a name is there twice")
        told = self._manifest(by_name)
        if told.keys() != by_name.keys() - {MANIFEST}:
            raise ValueError("what is there is not what its manifest lists")
        _check_folders(told)
        if sum(info.file_size for info in infos) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES // 2**30} GiB")
        for name, (size, digest) in told.items():
            if by_name[name].file_size != size or self._digest(name) != digest:
                raise ValueError(f"{name} is not what was written")
        return {name: size for name, (size, _) in told.items()}

    def _manifest(self, by_name: Mapping[str, zipfile.ZipInfo]) -> dict[str, tuple[int, str]]:
        if MANIFEST not in by_name:
            raise ValueError(f"it has no {MANIFEST}")
        told = json.loads(self._text(MANIFEST))
        if told["format"] != FORMAT:
            raise ValueError("its manifest is of something else")
        if told["version"] != VERSION:
            found = told["version"]
            raise ValueError(f"it is of version {found}, and this gdexp reads version {VERSION}")
        return {str(name): (each["size"], each["sha256"]) for name, each in told["files"].items()}

    def _text(self, name: str) -> bytes:
        if self._zip.getinfo(name).file_size > MOST_TEXT:
            raise ValueError(f"{name} is longer than {MOST_TEXT // 2**20} MiB")
        return self._zip.read(name)

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._zip.open(name) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def _ids(self) -> set[str]:
        return {name.split("/")[1] for name in self.sizes}

    def _listed(self, run: str) -> Listed:
        for name in (RUN, POINTS):
            if f"runs/{run}/{name}" not in self.sizes:
                raise ValueError(f"run {run} has no {name}")
        try:
            return read_listed(run, json.loads(self._text(f"runs/{run}/{RUN}")))
        except (TypeError, LookupError, AttributeError):
            raise ValueError(f"the description of run {run} is none") from None

    def _refused(self, why: str) -> ArchiveError:
        return ArchiveError(f"{self.path}: cannot be read as an archive of runs ({why}).")


def _check_listing(path: Path) -> None:
    """Check the size of the list of what is in a zip file, which is read into memory whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 42))
        end = file.read()
        if end[-22:-18] != b"PK\5\6":
            raise ValueError("it is no zip file, or its end is missing")
        listing = struct.unpack("<L", end[-10:-6])[0]
        if end[-42:-38] == b"PK\6\7":  # of a large file the numbers are elsewhere
            file.seek(min(struct.unpack("<Q", end[-34:-26])[0], size))
            record = file.read(56)
            listing = struct.unpack("<Q", record[40:48])[0]
    if listing > MOST_LISTING:
        raise ValueError("it lists more than an archive may hold")


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    if name != MANIFEST and not _MEMBER.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is not of an archive")
    # ZipInfo cuts a name at NUL: what is in the file is another.
    if getattr(info, "orig_filename", name) != name or not safe(name):
        raise ValueError(f"{name[:100]!r} is no path that may be written")
    if (info.external_attr >> 16) & _KIND == _SYMLINK or info.is_dir():
        raise ValueError(f"{name[:100]!r} is no file")
    if info.flag_bits & 1:
        raise ValueError(f"{name[:100]!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name[:100]!r} is compressed in no known way")


def safe(name: str) -> bool:
    """Whether a path leads nowhere but down, on every system."""
    parts = name.split("/")
    plain = all(
        part not in ("", ".", "..") and len(part.encode()) <= LONGEST_PART for part in parts
    )
    odd = any(not each.isprintable() or each in '\\:*?"<>|' for each in name)
    return plain and not odd and len(name.encode()) <= LONGEST_NAME


def _check_folders(names: Mapping[str, Any]) -> None:
    """Refuse what would have to be a file and a folder."""
    folders = {str(each) for name in names for each in PurePosixPath(name).parents}
    if both := folders & names.keys():
        raise ValueError(f"{min(both)[:100]!r} is a file and a folder")


def spoken(value: float) -> float | str:
    """Give a value as JSON can hold it; `float` reads it."""
    return value if math.isfinite(value) else repr(value)


def _told(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(told.split()) or type(error).__name__
