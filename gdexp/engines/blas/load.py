"""The examples that the BLAS engine computes with next, as floats."""

import numpy as np

from gdexp.engines.blas.gemm import Array
from gdexp.engines.blas.ranked import Ranked, Rows
from gdexp.engines.blas.rooms import LANES, aligned
from gdexp.problems import Network

WIDTHS = 64


def columns_for(reach: int, n_in: int) -> int:
    """Give the columns that inputs of this reach are given: their bias's, and whole vectors.

    There are no more than WIDTHS numbers of columns, since there is a program for each.
    """
    step = -(-n_in // (WIDTHS * LANES)) * LANES
    return min(-(-(1 + reach) // step) * step, 1 + n_in)


class Desk:
    """Memory that the loads of a carrier use in turn, so that it stays in the cache.

    Parameters
    ----------
    network : Network
    size : int
        Examples in the largest load.
    """

    def __init__(self, network: Network, size: int) -> None:
        n_in, self.classes = network.dataset.n_in, network.dataset.classes
        self.raw = np.empty((size, n_in), network.dataset.train.inputs.dtype)
        self.x = aligned((size * (1 + n_in),), network.dtype)
        self.y = np.zeros(size * self.classes, network.dtype)


class Load:
    """Some examples as floats: not yet divided by `scale`, which products are instead.

    Bytes are a quarter of the float32 that they stand for, and MNIST's fit into the cache: it is
    faster to gather bytes and make them floats each time than to gather floats.

    Parameters
    ----------
    desk : Desk
    examples : Ranked
    size, m : int
        How many examples there are, and how many of them an update sees.
    columns : int
        Of their inputs.

    Attributes
    ----------
    x : ndarray, shape (size, columns)
        Inputs times `scale`; the first column, of the biases, is 1 times `scale` throughout.
    y : list of ndarray, each of shape (k, m)
        Targets of each mini-batch; the last may have fewer columns.
    """

    def __init__(self, desk: Desk, examples: Ranked, size: int, m: int, columns: int) -> None:
        self._examples, self.scale = examples, examples.scale
        self.size, self.m = size, m
        k = desk.classes
        self._raw = desk.raw[:size]
        self.x = desk.x[: size * columns].reshape(size, columns)
        first = np.arange(size) // m * m  # of the mini-batch that each example is in
        self._m = np.minimum(m, size - first)
        self._column = first * k + np.arange(size) % m
        self._y = desk.y[: size * k]
        self.y = [self._y[at * k : (at + m) * k].reshape(k, -1) for at in range(0, size, m)]

    def take(self, rows: Rows) -> None:
        """Take the examples of these rows, (size,)."""
        if isinstance(rows, range):
            block = slice(rows.start, rows.stop)
            self._fill(self._examples.inputs[block], self._examples.labels[block])
            return
        # With mode="clip" NumPy writes to `out` directly; rows are never out of bounds.
        self._examples.inputs.take(rows, 0, self._raw, "clip")
        self._fill(self._raw, self._examples.labels.take(rows))

    def _fill(self, inputs: Array, labels: Array) -> None:
        x = self.x
        x[:, 0], x[:, 1:] = self.scale, inputs[:, : x.shape[1] - 1]
        self._y.fill(0)
        self._y[self._column + self._m * labels] = 1
