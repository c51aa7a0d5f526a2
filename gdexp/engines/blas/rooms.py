"""Where the BLAS engine computes: parameters, activations and errors, and a load of examples."""

import math
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.data import Examples
from gdexp.engines.blas.gemm import Array
from gdexp.problems import Network

Order = Literal["C", "F"]  # by rows, or by columns
Indices = NDArray[np.intp] | range  # a range stands for examples that lie one after another

LANES = 16  # numbers in a vector of float32
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
    """Each layer's weights and biases as one matrix, the biases its last column.

    Parameters
    ----------
    network : Network
    wide : bool
        Whether the first layer is made for products with many examples at a time: `padded` with
        rows of zeros. Where these then fill whole vectors, it lies by columns in memory, so that
        OpenBLAS goes along the units: a third faster for 30 units of MNIST.

    Attributes
    ----------
    v : list of ndarray, each of shape (n_out, n_in + 1)
    wide : bool
    """

    def __init__(self, network: Network, wide: bool) -> None:
        self._network, self.wide = network, wide
        self.v = [np.zeros((out, n + 1), network.dtype) for n, out in pairwise(network.sizes)]
        if wide:
            rows, columns = padded(len(self.v[0])), self.v[0].shape[1]
            order: Order = "F" if rows % LANES == 0 else "C"
            self.v[0] = aligned((rows, columns), network.dtype, order)

    def pack(self, v: Array) -> None:
        """Bring the flat vector v, (p,), into the matrices."""
        for matrix, (w, b) in zip(self.v, self._network.layers(v), strict=True):
            matrix[: len(w), :-1], matrix[: len(w), -1] = w, b

    def unpack(self, v: Array) -> None:
        """Bring the matrices back into the flat vector v, in place."""
        for matrix, (w, b) in zip(self.v, self._network.layers(v), strict=True):
            w[:], b[:] = matrix[: len(w), :-1], matrix[: len(w), -1]


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
        Weighted inputs and errors of the first layer, for the products of `wide` weights.
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

    def between(self, first: int, last: int) -> tuple[Array, Array]:
        """Give activations and slopes of some layers, `last` not among them, as flat arrays."""
        a, s, _ = self._flat[:, self._ends[first] : self._ends[last]]
        return a, s


class Load:
    """Some examples as floats: not yet divided by `scale`, which products are instead.

    Bytes are a quarter of the float32 that they stand for, and MNIST's fit into the cache: it is
    faster to gather bytes and make them floats each time than to gather floats.

    Parameters
    ----------
    network : Network
    examples : Examples
    size, m : int
        How many examples there are, and how many of them an update sees.

    Attributes
    ----------
    x : ndarray, shape (size, n_in + 1)
        Inputs times `scale`; the last column, of the biases, is 1 times `scale` throughout.
    y : list of ndarray, each of shape (k, m)
        Targets of each mini-batch; the last may have fewer columns.
    """

    def __init__(self, network: Network, examples: Examples, size: int, m: int) -> None:
        n_in, k = network.dataset.n_in, network.dataset.classes
        self._examples, self.scale = examples, examples.scale
        self.size, self.m = size, m
        self._raw = np.empty((size, n_in), examples.inputs.dtype)
        self.x = np.full((size, n_in + 1), examples.scale, network.dtype)
        first = np.arange(size) // m * m  # of the mini-batch that each example is in
        self._m = np.minimum(m, size - first)
        self._column = first * k + np.arange(size) % m
        self._y = np.zeros(size * k, network.dtype)
        self.y = [self._y[at * k : (at + m) * k].reshape(k, -1) for at in range(0, size, m)]

    def gather(self, indices: Indices) -> None:
        """Take the examples of these indices, (size,)."""
        if isinstance(indices, range):
            self.look_at(slice(indices.start, indices.stop))
            return
        # With mode="clip" NumPy writes to `out` directly; indices are never out of bounds.
        self._examples.inputs.take(indices, 0, self._raw, "clip")
        self._fill(self._raw, self._examples.labels.take(indices))

    def look_at(self, block: slice) -> None:
        """Take the examples of a slice of length `size`."""
        self._fill(self._examples.inputs[block], self._examples.labels[block])

    def _fill(self, inputs: Array, labels: Array) -> None:
        self.x[:, :-1] = inputs
        self._y.fill(0)
        self._y[self._column + self._m * labels] = 1
