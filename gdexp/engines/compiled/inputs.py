"""Examples as the kernels read them: zeros left out, bytes kept as bytes, or whole rows.

They lie anywhere in memory, in an order that is new in every epoch, so an epoch waits for memory:
the smaller an example, the shorter.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Examples
from gdexp.errors import GdexpError

SPARSE_BELOW = 0.6  # density from which on skipping zeros costs more than it saves
CODES, VALUES, ROWS = "sparse bytes", "sparse", "dense"  # how inputs are held
LINE = 64  # bytes of a line of the cache
GROUPS = LINE // 8  # groups of codes that it holds
SHARE = 0.75  # of the examples whose codes are prefetched to their end
UNIT = 4  # entries in a group, padded with zeros: the kernels' loops have no remainder
BLOCK = 4096  # examples that are looked through for zeros at a time
MOST = 2**31  # inputs: padded, and in codes, they are counted by 32 bits
FURTHEST = 255  # inputs that one code can go on

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
Encode = Callable[[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint16]], None]


def form_of(examples: Examples) -> str:
    """Choose how inputs are held: CODES, VALUES or ROWS."""
    if examples.density >= SPARSE_BELOW:
        return ROWS
    return CODES if examples.inputs.dtype == np.uint8 else VALUES


def hold(examples: Examples, dtype: np.dtype[Any], form: str, encode: Encode) -> tuple[Any, ...]:
    """Hold examples in one of the forms.

    CODES: of each input that is not zero a number of 16 bits: how far it is from the one before,
    plus 256 times its byte, which a table of values turns into a number. A group of UNIT of them is
    a number of 64 bits, the first code in its lowest bits. VALUES: of each such input its index and
    value. ROWS: all values, row after row.

    Parameters
    ----------
    examples : Examples
    dtype : dtype
        Of the values.
    form : str
    encode : callable
        The compiled `encode.encode`.

    Raises
    ------
    GdexpError
        Where there are more inputs than 32 bits can count.

    Returns
    -------
    tuple
        How many examples; how many lines of the cache the codes of SHARE of them fill; where the
        entries of each begin, (n + 1,), in groups of UNIT; groups of codes, or indices; values; the
        labels, (n,).
    """
    if examples.inputs.size >= MOST:
        raise GdexpError(
            f"engine=compiled takes fewer than {MOST:,} inputs in all. Got "
            f"{examples.inputs.size:,}. Write engine=blas."
        )
    if form == ROWS:
        held = _rows(examples, dtype)
    else:
        held = _codes(examples, dtype, encode) if form == CODES else _values(examples, dtype)
    return len(examples), _lines(held[0]), *held, examples.labels.astype(np.int32)


def _lines(ptr: NDArray[np.uint32]) -> int:
    groups = np.diff(ptr)
    return math.ceil(np.quantile(groups, SHARE) / GROUPS) if len(groups) else 0


def _rows(examples: Examples, dtype: np.dtype[Any]) -> Arrays:
    n, n_in = examples.inputs.shape
    width = -(-n_in // UNIT) * UNIT
    x = np.zeros((n, width), dtype)
    for block in _blocks(n):
        x[block, :n_in] = examples.x(block, dtype)
    ptr = np.arange(n + 1, dtype=np.uint32) * np.uint32(width // UNIT)
    return ptr, np.zeros(1, np.uint8), x.ravel()


def _codes(examples: Examples, dtype: np.dtype[Any], encode: Encode) -> Arrays:
    n, n_in = examples.inputs.shape
    ptr = np.zeros(n + 1, np.uint32)
    most = np.count_nonzero(examples.inputs) + n * (n_in // FURTHEST + UNIT)
    codes = np.empty(most, np.uint16)
    encode(np.ascontiguousarray(examples.inputs), ptr, codes)
    every = Examples(np.arange(256, dtype=np.uint8), np.zeros(256, np.uint8), examples.scale)
    # The number that each byte stands for makes the table of values.
    groups = codes[: UNIT * int(ptr[-1])].astype("<u2").view("<u8").astype(np.uint64, copy=False)
    return ptr, groups, every.x(slice(None), dtype)


def _values(examples: Examples, dtype: np.dtype[Any]) -> Arrays:
    n = len(examples)
    count = np.count_nonzero(examples.inputs, axis=1)
    ptr = np.zeros(n + 1, np.int64)
    np.cumsum(-(-count // UNIT) * UNIT, out=ptr[1:])
    ix, x = np.zeros(ptr[-1], np.uint32), np.zeros(ptr[-1], dtype)
    for block in _blocks(n):
        raw = examples.inputs[block]
        row, column = np.nonzero(raw)
        first = np.cumsum(count[block]) - count[block]  # entry of each row, without padding
        at = np.arange(len(row)) + (ptr[block] - first)[row]
        ix[at], x[at] = column, examples.x(block, dtype)[row, column]
    return (ptr // UNIT).astype(np.uint32), ix, x


def _blocks(n: int) -> Iterator[slice]:
    for first in range(0, n, BLOCK):
        yield slice(first, min(first + BLOCK, n))
