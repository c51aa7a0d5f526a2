"""What can be had again: parsed data, and compiled code."""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gdexp.data.cache import cache_folder
from gdexp.doctor.check import Check
from gdexp.doctor.standing import FIX, shortened
from gdexp.doctor.store import size
from gdexp.result import plural

CHUNK = 2**20  # bytes that are read at once
LINE = 2**16  # and of a line, at most
MAGIC = b"gdexp-arrays 1 "


def checks() -> Iterator[Check]:
    """Look into the caches."""
    folder = cache_folder()
    if why := _refusal(folder):
        told = f"{folder}: {why}; each run parses and compiles anew"
        yield Check("caches", told, (), "make it writable, or name another with GDEXP_CACHE")
        return
    files = [*folder.glob("*.arrays")]
    bad = damaged()
    told = f"{folder}: {plural(len(files), 'file')}, {size(_total(files))}"
    if bad:
        advice = f"{FIX} removes them; they are made anew"
        yield Check("data cache", f"{told}; damaged:", shortened([str(f) for f in bad]), advice)
    else:
        yield Check("data cache", told)
    compiled = [path for path in (folder / "compiled").rglob("*") if path.is_file()]
    unreadable = [str(path) for path in compiled if not os.access(path, os.R_OK)]
    told = f"{plural(len(compiled), 'file')}, {size(_total(compiled))}"
    advice = f"remove {folder / 'compiled'}" if unreadable else ""
    yield Check("compiled", told, shortened(unreadable), advice)


def damaged() -> list[Path]:
    """Give the files of parsed data that are not as they were written."""
    return [path for path in sorted(cache_folder().glob("*.arrays")) if not _whole(path)]


def removed() -> Iterator[str]:
    """Remove what is damaged; tell of each."""
    for path in damaged():
        with suppress(OSError):
            path.unlink()
            yield f"{path}: damaged, and removed"


def _whole(path: Path) -> bool:
    """Whether a file's checksum is that of its content."""
    crc = 0
    try:
        with path.open("rb") as file:
            seal = file.readline(LINE)
            while chunk := file.read(CHUNK):
                crc = zlib.crc32(chunk, crc)
    except FileNotFoundError:
        return True  # another process has replaced it
    except OSError:
        return False
    return seal == MAGIC + b"%08x\n" % crc


def _total(files: list[Path]) -> int:
    total = 0
    for path in files:
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _refusal(folder: Path) -> str:
    """Say why nothing could be kept in a folder; empty where it could."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not there.is_dir():
        return "is in the way: no folder"
    return "" if os.access(there, os.R_OK | os.W_OK | os.X_OK) else "cannot be read and written"
