"""Parameters as the kernels want them: rows padded to whole vectors, aligned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.engines.compiled.inputs import UNIT
from gdexp.problems import CrossEntropy, Network

LANES = 16  # numbers in a vector of the kernels; rows are padded to a multiple of it
PANEL = 2 * LANES  # outputs of the first layer that are computed at a time
KINDS = {"sigmoid": 0, "tanh": 1, "relu": 2, "identity": 3, "softmax": 4}
Block = tuple[int, slice, NDArray[Any]]  # a layer, some of its units, their weights (units, n_in)


class Layout:
    """A network's parameters with every row padded to whole vectors.

    h is n, the units of a layer, rounded up to LANES. The first layer's weights lie by input, since
    inputs that are zero are skipped, and in panels of PANEL units (LANES, if that is all that is
    left), since a layer may be too large for the near caches: those from input k to the panel that
    begins with unit c are ``parameters[c r + k p :][:p]``, with p units in the panel and r inputs,
    rounded up to UNIT. The weights of a later layer l from all units to unit j are
    ``parameters[w[l] + j h[l] :][: h[l]]``, j up to h[l + 1]. Biases are
    ``parameters[b[l] :][: h[l + 1]]``. Padding is zero and stays zero. Gradients, and what a rule
    keeps, lie in the same way.

    Parameters
    ----------
    problem : Network
    """

    def __init__(self, problem: Network) -> None:
        self.problem = problem
        sizes = list(problem.sizes)
        n = np.array(sizes, np.int64)
        h = -(-n // LANES) * LANES
        w, b, size = [], [], 0
        for l, (units, pitch) in enumerate(zip(sizes[:-1], h.tolist()[1:], strict=True)):
            w.append(size)
            b.append(size + (-(-units // UNIT) * UNIT * pitch if l == 0 else pitch * int(h[l])))
            size = b[-1] + pitch
        kinds = np.array([KINDS[name] for name in problem.architecture.names], np.int64)
        cost = int(isinstance(problem.cost_of, CrossEntropy))
        offsets = np.array(w, np.int64), np.array(b, np.int64)
        self.net = (len(w), int(h[1:].max()), n, h, *offsets, kinds, cost)
        self.size, self._b, self._rows_of_first = size, b, b[0] // int(h[1])

    def room(self) -> "Padded":
        """Give zeros in this layout, for parameters or for what belongs to each of them."""
        array, sizes, w = aligned(self.size, self.problem.dtype), self.problem.sizes, self.net[4]
        later = (self._rows(array, l, int(w[l]), sizes[l], sizes[l + 1]) for l in range(1, len(w)))
        biases = [array[at:][:units] for at, units in zip(self._b, sizes[1:], strict=True)]
        return Padded(
            self.problem, array, [*self._panels(array, sizes[0], sizes[1]), *later], biases
        )

    def _panels(self, array: NDArray[Any], n_in: int, n_out: int) -> Iterator[Block]:
        """View the first layer's weights, panel by panel."""
        r = self._rows_of_first
        for c in range(0, n_out, PANEL):
            units = min(PANEL, n_out - c)
            panel = array[c * r :][: r * padded(units)].reshape(r, -1)
            yield 0, slice(c, c + units), panel[:n_in, :units].T

    def _rows(self, array: NDArray[Any], l: int, w: int, n_in: int, n_out: int) -> Block:
        """View a later layer's weights."""
        h = padded(n_in)
        return l, slice(n_out), array[w:][: n_out * h].reshape(n_out, h)[:, :n_in]


@dataclass(frozen=True)
class Padded:
    """An array in the layout of a network's parameters.

    Parameters
    ----------
    problem : Network
    array : ndarray
    weights : list of Block
        Views of it that hold weights.
    biases : list of ndarray
        Views of it that hold the biases, layer by layer.
    """

    problem: Network
    array: NDArray[Any]
    weights: list[Block]
    biases: list[NDArray[Any]]

    def pack(self, v: NDArray[Any]) -> None:
        """Bring the flat vector v, (p,), into the layout."""
        self.array.fill(0)  # a descent that diverged has left NaN in the padding
        layers = self.problem.layers(v)
        for l, units, weights in self.weights:
            weights[:] = layers[l][0][units]
        for biases, (_, b) in zip(self.biases, layers, strict=True):
            biases[:] = b

    def unpack(self, v: NDArray[Any]) -> None:
        """Bring the layout back into the flat vector v, in place."""
        layers = self.problem.layers(v)
        for l, units, weights in self.weights:
            layers[l][0][units] = weights
        for biases, (_, b) in zip(self.biases, layers, strict=True):
            b[:] = biases


def padded(units: int) -> int:
    """Give a number of units rounded up to whole vectors."""
    return -(-units // LANES) * LANES


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give zeros that begin where a vector may: rows that do not cost a third of the speed."""
    step = LANES * dtype.itemsize
    raw = np.zeros(size * dtype.itemsize + step, np.uint8)
    skip = -raw.ctypes.data % step
    return raw[skip : skip + size * dtype.itemsize].view(dtype)
