"""Parsed arrays kept on disk, so that the next start need not parse their sources.

A cache file is two lines and the arrays' bytes, one array after the other::

    gdexp-arrays 1 <CRC-32 of all that follows>
    {"sources": [[path, size, mtime_ns], ...], "arrays": {name: shape, ...}}

One that is not exactly so, or whose sources have changed, is as good as none.
"""

import hashlib
import json
import logging
import math
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.uint8]]
Sizes = Mapping[str, tuple[int | None, ...]]
"""The arrays by name, and how large each is along its axes; None: as it happens."""

MOST_BYTES = 4 << 30  # of all arrays
LONGEST = 256 << 20  # of the first two lines, which name all sources
DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Name the folder for what can be had again: GDEXP_CACHE, else the system's place for it."""
    if named := os.environ.get("GDEXP_CACHE"):
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("gdexp"))


def cached(
    name: str,
    sources: Sequence[Path],
    build: Callable[[], Arrays],
    sizes: Sizes | None = None,
) -> Arrays:
    """Give what `build` gives, from the cache where that was built from the same sources.

    Sources are the same while their paths, sizes and times of change are. A cache that is
    missing, stale or damaged is built anew; one that cannot be written is done without.
    Processes may do this at the same time.

    Parameters
    ----------
    name : str
        What the arrays are, to name the file in the cache folder.
    sources : sequence of Path
        The files that the arrays are made from.
    build : callable
        Makes the arrays, by name; all of unsigned bytes.
    sizes : mapping, optional
        What they are like: a file with others is not taken. None: whatever is there.

    Returns
    -------
    mapping of str to ndarray of uint8
        The arrays, in the shapes that `build` gave them.

    Raises
    ------
    Exception
        What `build` raises.
    """
    try:
        # Before building: sources that change meanwhile must not pass for the ones read.
        identity = [_identity(path) for path in sources]
    except OSError:
        return build()  # which says what is wrong with them
    paths = "\n".join(path for path, _, _ in identity)
    key = hashlib.sha256(os.fsencode(paths)).hexdigest()[:16]
    path = cache_folder() / f"{name}-{key}.arrays"
    arrays = _read(path, identity, sizes)
    if arrays is None:
        arrays = build()
        _write(path, identity, arrays)
    return arrays


def _identity(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path.absolute()), stat.st_size, stat.st_mtime_ns


def _head(identity: Sequence[tuple[str, int, int]], shapes: Mapping[str, Sequence[int]]) -> bytes:
    return json.dumps({"sources": identity, "arrays": shapes}).encode() + b"\n"


def _seal(crc: int) -> bytes:
    return b"gdexp-arrays 1 %08x\n" % crc


def _read(
    path: Path, identity: Sequence[tuple[str, int, int]], sizes: Sizes | None
) -> Arrays | None:
    try:
        with path.open("rb") as file:
            seal, head = file.readline(64), file.readline(LONGEST)
            told: dict[str, Any] = json.loads(head)["arrays"]
            size = os.fstat(file.fileno()).st_size - file.tell()
            if head != _head(identity, told) or not _fit(told, sizes, size):
                return None
            body = np.fromfile(file, np.uint8, size)
        if seal != _seal(zlib.crc32(body.data, zlib.crc32(head))):
            return None
        ends = np.cumsum([math.prod(shape) for shape in told.values()])[:-1]
        pieces = zip(told.items(), np.split(body, ends), strict=True)
        return {name: piece.reshape(shape) for (name, shape), piece in pieces}
    except DAMAGE:
        return None


def _fit(told: Mapping[str, Any], sizes: Sizes | None, size: int) -> bool:
    """Whether arrays are such as are asked for, and take as many bytes as there are."""
    plain = all(type(n) is int and n >= 0 for shape in told.values() for n in shape)
    whole = plain and sum(map(math.prod, told.values())) == size <= MOST_BYTES
    if sizes is None or not whole:
        return whole
    return told.keys() == sizes.keys() and all(
        len(shape) == len(told[name])
        and all(n in (None, there) for n, there in zip(shape, told[name], strict=True))
        for name, shape in sizes.items()
    )


def _write(path: Path, identity: Sequence[tuple[str, int, int]], arrays: Arrays) -> None:
    head = _head(identity, {name: array.shape for name, array in arrays.items()})
    bodies = [np.ascontiguousarray(array).reshape(-1) for array in arrays.values()]
    crc = zlib.crc32(head)
    for body in bodies:
        crc = zlib.crc32(body.data, crc)
    # A name of its own: another process may be writing the same cache now.
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.writelines([_seal(crc), head, *(body.data for body in bodies)])
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        log.debug("going on without a cache: %s", error)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
