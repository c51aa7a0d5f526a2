"""The examples that the BLAS engine computes with next, as floats."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gdexp.engines.blas.gemm import LANES, Array
from gdexp.engines.blas.ranked import Ranked, Rows
from gdexp.engines.blas.rooms import aligned
from gdexp.problems import Network

WIDTHS = 64


def columns_for(reach: NDArray[np.intp], n_in: int) -> NDArray[np.intp]:
    """Give the columns that inputs of each reach are given: their bias's, and whole vectors.

    There are no more than WIDTHS numbers of columns, since there is a program for each.
    """
    step = -(-n_in // (WIDTHS * LANES)) * LANES
    return np.minimum(-(-(1 + reach) // step) * step, 1 + n_in)


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


class Inputs:
    """Inputs as floats: not yet divided by `scale`, which products are instead.

    Parameters
    ----------
    desk : Desk
    size, columns : int
    scale : float

    Attributes
    ----------
    x : ndarray, shape (size, columns)
        Inputs times `scale`; the first column, of the biases, is 1 times `scale` throughout.
    """

    def __init__(self, desk: Desk, size: int, columns: int, scale: float) -> None:
        self.scale = scale
        self.x = desk.x[: size * columns].reshape(size, columns)
        self._ones, self._features, self._used = self.x[:, 0], self.x[:, 1:], columns - 1

    def fill(self, raw: Array) -> None:
        """Take them as they are stored, (size, n_in); those beyond the columns are zero."""
        self._ones.fill(self.scale)
        self._features[...] = raw[:, : self._used]


# Examples of a load that become floats together: as they are stored, (size, n_in), the targets of
# each mini-batch among them, (k, m), and the columns that their inputs need.
Part = tuple[Array, list[Array], int]


class Load:
    """Some examples as they are stored, and their targets.

    Bytes are a quarter of the float32 that they stand for, and MNIST's fit into the cache: it is
    faster to gather bytes and make them floats each time than to gather floats.

    Parameters
    ----------
    desk : Desk
    examples : Ranked
    size, m : int
        How many examples there are, and how many of them an update sees.
    part : int
        How many become floats together: all, or a multiple of m.
    """

    def __init__(self, desk: Desk, examples: Ranked, size: int, m: int, part: int) -> None:
        self._examples, self._raw, k = examples, desk.raw[:size], desk.classes
        self._columns_of = columns_for(examples.reach, examples.inputs.shape[1])
        first = np.arange(size) // m * m  # of the mini-batch that each example is in
        self._m = np.minimum(m, size - first)
        self._column = first * k + np.arange(size) % m
        self._y = desk.y[: size * k]
        y = [self._y[at * k : (at + m) * k].reshape(k, -1) for at in range(0, size, m)]
        self._begin = np.arange(0, size, part)
        self._parts = [slice(at, min(at + part, size)) for at in self._begin.tolist()]
        self._raws = [self._raw[each] for each in self._parts]
        self._targets = [y[each.start // m : -(-each.stop // m)] for each in self._parts]

    def take(self, rows: Rows) -> Iterable[Part]:
        """Take the examples of these rows, (size,)."""
        examples = self._examples
        if isinstance(rows, range):
            block = slice(rows.start, rows.stop)
            inputs, labels = examples.inputs[block], examples.labels[block]
            columns, raws = self._columns_of[block], [inputs[each] for each in self._parts]
        else:
            # With mode="clip" NumPy writes to `out` directly; rows are never out of bounds.
            examples.inputs.take(rows, 0, self._raw, "clip")
            labels = examples.labels.take(rows)
            columns, raws = self._columns_of.take(rows), self._raws
        self._y.fill(0)
        self._y[self._column + self._m * labels] = 1
        widest = np.maximum.reduceat(columns, self._begin).tolist()
        return zip(raws, self._targets, widest, strict=True)
