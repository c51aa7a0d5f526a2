"""Checkpoints of a run: its state on disk, whole or not at all.

A checkpoint is two lines and the arrays' bytes, one array after the other::

    gdexp-checkpoint 1 <CRC-32 of all that follows>
    {"facts": {...}, "arrays": {name: [dtype, shape], ...}}

It is written to another name, and renamed when it is on the disk. Of the checkpoints of a run the
last two are kept. Nothing in them is code, and sizes are checked before anything is allocated.
"""

import json
import math
import os
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import GdexpError, real

FOLDER = "checkpoints"
KEPT = 2
MAGIC = b"gdexp-checkpoint 1 "
DTYPES = ("<f4", "<f8")
LONGEST = 64 * 2**20  # bytes of the second line

DAMAGE = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    RecursionError,
)

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpointing:
    """How often a run's state is written down.

    Parameters
    ----------
    seconds : float, optional
        From one checkpoint to the next, at least; 0: after every epoch; None: there are none.

    Raises
    ------
    SettingError
        Where that is no number >= 0.
    """

    seconds: float | None = 30

    def __post_init__(self) -> None:
        if self.seconds is not None:
            real("seconds", self.seconds, "30", "[0, inf)")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds: facts, which JSON can say, and arrays by name."""

    facts: Mapping[str, Any]
    arrays: Arrays


class CheckpointError(GdexpError):
    """A checkpoint that is damaged; the message names the file."""


def write(folder: Path, number: int, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, and remove those before the last two.

    Parameters
    ----------
    folder : Path
        The run's own folder.
    number : int
        The larger, the later.
    checkpoint : Checkpoint

    Raises
    ------
    OSError
        Where it cannot be written; those that are there stay.
    """
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    path = place / f"{number:012}.checkpoint"
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            _pour(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync(place)
    for old in listed(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def listed(folder: Path) -> list[Path]:
    """Give the checkpoints of a run, the latest first."""
    found = (folder / FOLDER).glob("*.checkpoint")
    return sorted((path for path in found if re.fullmatch(r"\d{12}", path.stem)), reverse=True)


def remove(folder: Path) -> None:
    """Remove the checkpoints of a run that needs none any more."""
    with suppress(OSError):
        for path in listed(folder):
            path.unlink()
        (folder / FOLDER).rmdir()


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        Where it is not what was written.
    """
    try:
        with path.open("rb") as file:
            head, line = file.readline(64), file.readline(LONGEST)
            size = os.fstat(file.fileno()).st_size - file.tell()
            if not re.fullmatch(re.escape(MAGIC) + rb"[0-9a-f]{8}\n", head):
                raise ValueError("it does not begin as one")
            told = json.loads(line)
            shapes = {str(name): _shape(*each) for name, each in told["arrays"].items()}
            if sum(dtype.itemsize * math.prod(shape) for dtype, shape in shapes.values()) != size:
                raise ValueError("its size is not what it says")
            arrays, crc = {}, zlib.crc32(line)
            for name, (dtype, shape) in shapes.items():
                arrays[name] = np.empty(shape, dtype)
                file.readinto(arrays[name].data.cast("B") if arrays[name].size else bytearray())
                crc = zlib.crc32(arrays[name].data, crc)
        if head[len(MAGIC) : -1] != f"{crc:08x}".encode():
            raise ValueError("its checksum does not match")
        return Checkpoint(dict(told["facts"]), arrays)
    except DAMAGE as error:
        raise CheckpointError(f"{path}: the checkpoint is damaged ({error})") from None


def _pour(checkpoint: Checkpoint, file: Any) -> None:
    arrays = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        for name, array in checkpoint.arrays.items()
    }
    told = {
        "facts": checkpoint.facts,
        "arrays": {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()},
    }
    line = json.dumps(told).encode() + b"\n"
    crc = zlib.crc32(line)
    for array in arrays.values():
        crc = zlib.crc32(array.data, crc)
    file.write(MAGIC + f"{crc:08x}\n".encode() + line)
    for array in arrays.values():
        file.write(array.data)


def _shape(dtype: Any, shape: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    if dtype not in DTYPES or not all(type(k) is int and k >= 0 for k in shape):
        raise ValueError("it holds an array of no known kind")
    return np.dtype(dtype), tuple(shape)


def _sync(folder: Path) -> None:
    """Wait until a folder, and with it the names in it, is on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
