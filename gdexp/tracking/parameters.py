"""The parameters of a trained network, as `np.savez` wrote them; a file that is not trusted."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import GdexpError

MOST_BYTES = 4 << 30  # of all arrays
MOST_ARRAYS = 10_000
ENDING = ".npy"
KINDS = "fU"  # numbers, and the names of activations


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a ``model.npz``, by name.

    Nothing in it is code. Sizes are checked before anything is allocated: each array has the bytes
    that its header says, and all together at most 4 GiB.

    Raises
    ------
    GdexpError
        Where the file cannot be read, or is not what was written.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            infos = packed.infolist()
            if len(infos) > MOST_ARRAYS or sum(each.file_size for each in infos) > MOST_BYTES:
                raise ValueError("it holds more than a network may have")
            return {info.filename.removesuffix(ENDING): _array(packed, info) for info in infos}
    except Exception as error:  # whatever damage makes zipfile, zlib or NumPy say
        told = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise GdexpError(
            f"{path}: cannot be read as parameters ({told[:200] or type(error).__name__})."
        ) from None


def _array(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if not info.filename.endswith(ENDING):
        raise ValueError(f"{info.filename[:60]!r} is no array")
    with packed.open(info) as file:
        shape, fortran, dtype = _header(file)
        if dtype.kind not in KINDS or dtype.hasobject:
            raise ValueError(f"{info.filename[:60]!r} holds no numbers")
        size = dtype.itemsize * math.prod(shape)
        if size != info.file_size - file.tell():
            raise ValueError(f"{info.filename[:60]!r} has not the size that it says")
        data = file.read(size)
    if len(data) != size:
        raise ValueError(f"{info.filename[:60]!r} is cut short")
    array: NDArray[Any] = np.frombuffer(bytearray(data), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array is of version {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if any(n < 0 for n in shape):
        raise ValueError("an array has a negative size")
    return shape, fortran, dtype
