"""Parameters as the kernels want them: rows padded to whole vectors, aligned."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.engines.compiled.inputs import UNIT
from gdexp.problems import CrossEntropy, Network

LANES = 16  # numbers in a vector of the kernels; rows are padded to a multiple of it
PANEL = 2 * LANES  # outputs of the first layer that are computed at a time
KINDS = {"sigmoid": 0, "tanh": 1, "relu": 2, "identity": 3, "softmax": 4}


class Layout:
    """A network's parameters with every row padded to whole vectors.

    h is n, the units of a layer, rounded up to LANES. The first layer's weights lie by input, since
    inputs that are zero are skipped, and in panels of PANEL units (LANES, if that is all that is
    left), since a layer may be too large for the near caches: those from input k to the panel that
    begins with unit c are ``parameters[c r + k p :][:p]``, with p units in the panel and r inputs,
    rounded up to UNIT. The weights of a later layer l from all units to unit j are
    ``parameters[w[l] + j h[l] :][: h[l]]``, j up to h[l + 1]. Biases are
    ``parameters[b[l] :][: h[l + 1]]``. Padding is zero and stays zero.

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
        self.parameters = aligned(size, problem.dtype)
        sizes = n.tolist()
        self._biases = [
            self.parameters[at:][:units] for at, units in zip(b, sizes[1:], strict=True)
        ]
        self._weights = [
            *self._panels(sizes[0], sizes[1], b[0] // int(h[1])),
            *(self._rows(l, w[l], sizes[l], sizes[l + 1]) for l in range(1, len(w))),
        ]

    def _panels(self, n_in: int, n_out: int, r: int) -> Iterator[tuple[int, slice, NDArray[Any]]]:
        """View the first layer's weights, panel by panel: layer, units, and (units, n_in)."""
        for c in range(0, n_out, PANEL):
            units = min(PANEL, n_out - c)
            panel = self.parameters[c * r :][: r * padded(units)].reshape(r, -1)
            yield 0, slice(c, c + units), panel[:n_in, :units].T

    def _rows(self, l: int, w: int, n_in: int, n_out: int) -> tuple[int, slice, NDArray[Any]]:
        """View a later layer's weights: layer, units, and (units, n_in)."""
        h = padded(n_in)
        return l, slice(n_out), self.parameters[w:][: n_out * h].reshape(n_out, h)[:, :n_in]

    def pack(self, v: NDArray[Any]) -> None:
        """Bring the flat vector v, (p,), into the layout."""
        self.parameters.fill(0)  # a descent that diverged has left NaN in the padding
        layers = self.problem.layers(v)
        for l, units, weights in self._weights:
            weights[:] = layers[l][0][units]
        for biases, (_, b) in zip(self._biases, layers, strict=True):
            biases[:] = b

    def unpack(self, v: NDArray[Any]) -> None:
        """Bring the layout back into the flat vector v, in place."""
        layers = self.problem.layers(v)
        for l, units, weights in self._weights:
            layers[l][0][units] = weights
        for biases, (_, b) in zip(self._biases, layers, strict=True):
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
