"""Where the BLAS engine computes: parameters, activations and errors."""

import math
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from gdexp.engines.blas.gemm import LANES, Array
from gdexp.engines.blas.ranked import Features
from gdexp.problems import Network

Order = Literal["C", "F"]  # by rows, or by columns

LINE = 64  # bytes in a line of the cache


def padded(n: int) -> int:
    """Give the next multiple of LANES where that is near, else n."""
    full = -(-n // LANES) * LANES
    return full if full <= 1.1 * n else n


def aligned(shape: tuple[int, ...], dtype: DTypeLike, order: Order = "C") -> Array:
    """Give zeros that begin where a cache line does, which NumPy's own do only by chance.

    Else, where rows are whole lines, every vector that OpenBLAS loads lies across two: a product
    of the first layer's takes 10 % longer.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + LINE, np.uint8)
    at = -room.ctypes.data % LINE
    return room[at : at + size].view(dtype).reshape(shape, order=order)


class Weights:
    """Each layer's weights and biases as one matrix.

    In the first layer the bias is the first column and features follow, most used first; in all
    others the bias is the last. The first layer is `padded` with rows of zeros, and
    lies by columns in memory: OpenBLAS goes along the units, and the first so many columns are a
    matrix of their own. It is divided by what inputs are to be divided by, which saves a step.

    Parameters
    ----------
    network : Network
    features : ndarray or slice
        The order of the first layer's inputs.
    scale : float
        What most inputs are to be divided by.

    Attributes
    ----------
    v : list of ndarray, each of shape (n_out, n_in + 1)
        The first has `padded(n_out)` rows.
    """

    def __init__(self, network: Network, features: Features, scale: float) -> None:
        self._network, self._features, self.scale = network, features, scale
        self.v = [np.zeros((out, n + 1), network.dtype) for n, out in pairwise(network.sizes)]
        out, columns = self.v[0].shape
        self.v[0] = aligned((padded(out), columns), network.dtype, "F")

    def pack(self, v: Array) -> None:
        """Bring the flat vector v, (p,), into the matrices."""
        (w, b), *others = self._network.layers(v)
        first = self.v[0][: len(w)]
        first[:, 0], first[:, 1:] = b / self.scale, w[:, self._features] / self.scale
        for matrix, (w, b) in zip(self.v[1:], others, strict=True):
            matrix[:, :-1], matrix[:, -1] = w, b

    def unpack(self, v: Array) -> None:
        """Bring the matrices back into the flat vector v, in place, from which they came."""
        (w, b), *others = self._network.layers(v)
        first = self.v[0][: len(w)]
        b[:] = self._multiplied(first[:, 0], b)
        w[:, self._features] = self._multiplied(first[:, 1:], w[:, self._features])
        for matrix, (w, b) in zip(self.v[1:], others, strict=True):
            w[:], b[:] = matrix[:, :-1], matrix[:, -1]

    def _multiplied(self, now: Array, before: Array) -> Array:
        """Undo the division; what has not changed since must not change by its rounding either."""
        return np.where(now == before / self.scale, before, now * self.scale)


class Room:
    """Activations, slopes and errors of m examples: a column each, as in Nielsen's a = σ(wa + b).

    A hidden layer has one more row, of ones, which is never written to: the next layer's biases
    are weights from it.

    Parameters
    ----------
    network : Network
    m : int

    Attributes
    ----------
    with_ones : list of ndarray
        Activations of each layer, (n + 1, m), and of the last, (k, m); adjacent in memory.
    nabla : list of ndarray
        ∇_a C, of the same shapes.
    a, s, delta : list of ndarray, each of shape (n, m)
        Activations, slopes f'(z) and errors δ without the row of ones; δ takes the place of ∇_a C.
    z : list of ndarray, each of shape (n, m)
        Weighted inputs; in hidden layers, activations take their place.
    rows : ndarray, shape (2, m, padded(n))
        Weighted inputs and errors of the first layer, by rows in memory.
    delta_rows : ndarray, shape (m, padded(n))
        Such errors, but by columns in memory, as those of all other layers. Either has zeros beyond
        n, which no other may write to.
    """

    def __init__(self, network: Network, m: int) -> None:
        units = network.sizes[1:]
        rows = [*(n + 1 for n in units[:-1]), units[-1]]
        self._ends = [0, *accumulate(n * m for n in rows)]
        self._flat = np.ones((3, self._ends[-1]), network.dtype)  # activations, slopes, ∇_a C
        cut = [
            [flat[at:end].reshape(-1, m) for at, end in pairwise(self._ends)] for flat in self._flat
        ]
        self.with_ones, _, self.nabla = cut
        self.a, self.s, self.delta = (
            [part[:n] for part, n in zip(parts, units, strict=True)] for parts in cut
        )
        self.z = [*self.a[:-1], np.empty_like(self.a[-1])]
        self.rows = aligned((2, m, padded(units[0])), network.dtype)
        self.delta_rows = aligned((m, padded(units[0])), network.dtype, "F")

    def between(self, first: int, last: int) -> tuple[Array, Array]:
        """Give activations and slopes of some layers, `last` not among them, as flat arrays."""
        a, s, _ = self._flat[:, self._ends[first] : self._ends[last]]
        return a, s
