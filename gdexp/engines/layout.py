"""Parameters and examples as the kernels want them: padded, aligned, zeros left out."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Examples
from gdexp.problems import CrossEntropy, Network

LANES = 16  # numbers in a vector of the kernels; rows are padded to a multiple of it
KINDS = {"sigmoid": 0, "tanh": 1, "relu": 2, "identity": 3, "softmax": 4}
BLOCK = 4096  # examples that are looked through for zeros at a time

# Where each example begins, indices, values, labels.
Held = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[Any], NDArray[np.int64]]


class Layout:
    """A network's parameters with every row padded to whole vectors.

    Of layer l the weights from unit k to all units of the next layer are
    ``parameters[w[l] + k h[l+1] :][: h[l+1]]``, where h is n rounded up to LANES, and the biases
    ``parameters[b[l] :][: h[l+1]]``. Padding is zero and stays zero.

    Parameters
    ----------
    problem : Network
    """

    def __init__(self, problem: Network) -> None:
        self.problem = problem
        n = np.array(problem.sizes, np.int64)
        h = -(-n // LANES) * LANES
        w, b, size = [], [], 0
        for units, pitch in zip(n[:-1].tolist(), h[1:].tolist(), strict=True):
            w.append(size)
            b.append(size + units * pitch)
            size += (units + 1) * pitch
        kinds = np.array([KINDS[name] for name in problem.architecture.names], np.int64)
        cost = int(isinstance(problem.cost_of, CrossEntropy))
        offsets = np.array(w, np.int64), np.array(b, np.int64)
        self.net = (len(w), int(h.max()), n, h, *offsets, kinds, cost)
        self.parameters = aligned(size, problem.dtype)
        self.units = int(n.max())
        self._views = [
            self._layer(*each) for each in zip(w, pairwise(n.tolist()), h[1:], strict=True)
        ]

    def _layer(self, w: int, units: tuple[int, int], h: int) -> tuple[NDArray[Any], NDArray[Any]]:
        n_in, n_out = units
        rows = self.parameters[w : w + (n_in + 1) * h].reshape(n_in + 1, h)
        return rows[:n_in, :n_out].T, rows[n_in, :n_out]  # (n_out, n_in), (n_out,)

    def pack(self, v: NDArray[Any]) -> None:
        """Bring the flat vector v, (p,), into the layout."""
        for (to_w, to_b), (w, b) in zip(self._views, self.problem.layers(v), strict=True):
            to_w[:], to_b[:] = w, b

    def unpack(self, v: NDArray[Any]) -> None:
        """Bring the layout back into the flat vector v, in place."""
        for (from_w, from_b), (w, b) in zip(self._views, self.problem.layers(v), strict=True):
            w[:], b[:] = from_w, from_b


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give zeros that begin where a vector may: rows that do not cost a third of the speed."""
    step = LANES * dtype.itemsize
    raw = np.zeros(size * dtype.itemsize + step, np.uint8)
    skip = -raw.ctypes.data % step
    return raw[skip : skip + size * dtype.itemsize].view(dtype)


def sparse_inputs(examples: Examples, dtype: np.dtype[Any]) -> Held:
    """Hold the inputs that are not zero: where each example's begin, their indices and values."""
    ptr = np.zeros(len(examples) + 1, np.int64)
    ptr[1:] = np.cumsum(np.count_nonzero(examples.inputs, axis=1))
    ix, x = np.empty(ptr[-1], np.uint16), np.empty(ptr[-1], dtype)
    for first in range(0, len(examples), BLOCK):
        block = slice(first, min(first + BLOCK, len(examples)))
        there = slice(ptr[block.start], ptr[block.stop])
        values = examples.x(block, dtype)  # (BLOCK, n_in)
        held = examples.inputs[block] != 0
        ix[there] = np.nonzero(held)[1]
        x[there] = values[held]
    return ptr, ix, x, examples.labels.astype(np.int64)


def dense_inputs(examples: Examples, dtype: np.dtype[Any]) -> Held:
    """Hold all inputs, row after row."""
    n, n_in = examples.inputs.shape
    x = np.empty((n, n_in), dtype)
    for first in range(0, n, BLOCK):
        block = slice(first, min(first + BLOCK, n))
        x[block] = examples.x(block, dtype)
    rows = np.arange(n + 1, dtype=np.int64) * n_in
    return rows, np.zeros(1, np.uint16), x.ravel(), examples.labels.astype(np.int64)
