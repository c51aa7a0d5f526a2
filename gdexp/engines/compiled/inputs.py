"""Examples as the kernels read them: zeros left out, bytes kept as bytes, or whole rows.

They lie anywhere in memory, in an order that is new in every epoch, so an epoch waits for memory:
the smaller an example, the shorter.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Examples

SPARSE_BELOW = 0.6  # density from which on skipping zeros costs more than it saves
CODES, VALUES, ROWS = "sparse bytes", "sparse", "dense"  # how inputs are held
UNIT = 4  # entries are padded to a multiple, with zeros: the kernels' loops have no remainder
BLOCK = 4096  # examples that are looked through for zeros at a time
FURTHEST = 255  # inputs that one code can go on

Ints = NDArray[np.int64]


def density(examples: Examples) -> float:
    """Give the share of the inputs that are not zero."""
    return float(np.count_nonzero(examples.inputs)) / max(1, examples.inputs.size)


def form_of(examples: Examples) -> str:
    """Choose how inputs are held: CODES, VALUES or ROWS."""
    if density(examples) >= SPARSE_BELOW:
        return ROWS
    return CODES if examples.inputs.dtype == np.uint8 else VALUES


def hold(examples: Examples, dtype: np.dtype[Any], form: str) -> tuple[Any, ...]:
    """Hold examples in one of the forms.

    CODES: of each input that is not zero a number of 16 bits: how far it is from the one before,
    plus 256 times its byte, which a table of values turns into a number. VALUES: of each such
    input its index and value. ROWS: all values, row after row.

    Returns
    -------
    tuple
        How many examples; where the entries of each begin, (n + 1,); codes or indices; values;
        the labels, (n,).
    """
    held = _rows(examples, dtype) if form == ROWS else _sparse(examples, dtype, form)
    return len(examples), *held, examples.labels.astype(np.int32)


def _rows(examples: Examples, dtype: np.dtype[Any]) -> tuple[NDArray[Any], ...]:
    n, n_in = examples.inputs.shape
    width = -(-n_in // UNIT) * UNIT
    x = np.zeros((n, width), dtype)
    for first in range(0, n, BLOCK):
        block = slice(first, first + BLOCK)
        x[block, :n_in] = examples.x(block, dtype)
    return np.arange(n + 1, dtype=np.uint32) * np.uint32(width), np.zeros(1, np.uint8), x.ravel()


def _sparse(examples: Examples, dtype: np.dtype[Any], form: str) -> tuple[NDArray[Any], ...]:
    ptr, arrays = [np.zeros(1, np.int64)], []
    for first in range(0, len(examples), BLOCK):
        ends, *inputs = _entries(examples, slice(first, first + BLOCK), dtype, form)
        ptr.append(ends + ptr[-1][-1])
        arrays.append(inputs)
    held = [np.concatenate(each) for each in zip(*arrays, strict=True)]
    if form == CODES:
        every = Examples(np.arange(256, dtype=np.uint8), np.zeros(256, np.uint8), examples.scale)
        held.append(every.x(slice(None), dtype))  # the number that each byte stands for
    return np.concatenate(ptr).astype(np.uint32), *held


def _entries(
    examples: Examples, block: slice, dtype: np.dtype[Any], form: str
) -> tuple[Ints, *tuple[NDArray[Any], ...]]:
    """Give where the entries of each example of a block end, and the entries."""
    raw = examples.inputs[block]
    row, column = np.nonzero(raw)
    step = column - np.where(np.diff(row, prepend=-1), -1, np.roll(column, 1))
    hops = (step - 1) // FURTHEST if form == CODES else np.zeros_like(step)
    count = np.bincount(row, hops + 1, len(raw)).astype(np.int64)
    room = -(-count // UNIT) * UNIT
    padding = np.cumsum(room - count) - (room - count)  # before each example
    at, ends = np.cumsum(hops + 1) - 1 + padding[row], np.cumsum(room)
    if form == CODES:
        return ends, _codes(raw[row, column], step, hops, at, int(ends[-1]))
    ix, x = np.zeros(ends[-1], np.uint32), np.zeros(ends[-1], dtype)
    ix[at], x[at] = column, examples.x(block, dtype)[row, column]
    return ends, ix, x


def _codes(
    raw: NDArray[np.uint8], step: Ints, hops: Ints, at: Ints, size: int
) -> NDArray[np.uint16]:
    """Write codes at their places, after as many hops of value 0 as a step is too long for one."""
    codes = np.zeros(size, np.uint16)
    for hop in range(1, int(hops.max(initial=0)) + 1):
        codes[at[hops >= hop] - hop] = FURTHEST
    codes[at] = step - FURTHEST * hops + (raw.astype(np.int64) << 8)
    return codes
