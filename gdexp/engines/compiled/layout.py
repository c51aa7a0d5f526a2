"""Parameters as the kernels want them: rows padded to whole vectors, aligned."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.engines.compiled.inputs import UNIT
from gdexp.problems import CrossEntropy, Network

LANES = 16  # numbers in a vector of the kernels; rows are padded to a multiple of it
KINDS = {"sigmoid": 0, "tanh": 1, "relu": 2, "identity": 3, "softmax": 4}


class Layout:
    """A network's parameters with every row padded to whole vectors.

    h is n, the units of a layer, rounded up to LANES. The first layer's weights from input k to all
    units are ``parameters[k h[1] :][: h[1]]``, since inputs that are zero are skipped; those of
    a later layer l from all units to unit j ``parameters[w[l] + j h[l] :][: h[l]]``, j up to
    h[l + 1]. Biases are ``parameters[b[l] :][: h[l + 1]]``. Padding is zero and stays zero.

    Parameters
    ----------
    problem : Network
    """

    def __init__(self, problem: Network) -> None:
        self.problem = problem
        n = np.array(problem.sizes, np.int64)
        h = -(-n // LANES) * LANES
        w, b, size = [], [], 0
        for l, (units, pitch) in enumerate(zip(n.tolist()[:-1], h.tolist()[1:], strict=True)):
            w.append(size)
            b.append(size + (-(-units // UNIT) * UNIT * pitch if l == 0 else pitch * int(h[l])))
            size = b[-1] + pitch
        kinds = np.array([KINDS[name] for name in problem.architecture.names], np.int64)
        cost = int(isinstance(problem.cost_of, CrossEntropy))
        offsets = np.array(w, np.int64), np.array(b, np.int64)
        self.net = (len(w), int(h[1:].max()), n, h, *offsets, kinds, cost)
        self.parameters = aligned(size, problem.dtype)
        pairs = enumerate(pairwise(n.tolist()))
        self._views = [self._layer(w[l], b[l], l > 0, *units) for l, units in pairs]

    def _layer(
        self, w: int, b: int, by_output: bool, n_in: int, n_out: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        count, width = (n_out, n_in) if by_output else (n_in, n_out)
        pitch = padded(width)
        rows = self.parameters[w : w + count * pitch].reshape(count, pitch)[:, :width]
        return rows if by_output else rows.T, self.parameters[b : b + n_out]

    def pack(self, v: NDArray[Any]) -> None:
        """Bring the flat vector v, (p,), into the layout."""
        self.parameters.fill(0)  # a descent that diverged has left NaN in the padding
        for (to_w, to_b), (w, b) in zip(self._views, self.problem.layers(v), strict=True):
            to_w[:], to_b[:] = w, b

    def unpack(self, v: NDArray[Any]) -> None:
        """Bring the layout back into the flat vector v, in place."""
        for (from_w, from_b), (w, b) in zip(self._views, self.problem.layers(v), strict=True):
            w[:], b[:] = from_w, from_b


def padded(units: int) -> int:
    """Give a number of units rounded up to whole vectors."""
    return -(-units // LANES) * LANES


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give zeros that begin where a vector may: rows that do not cost a third of the speed."""
    step = LANES * dtype.itemsize
    raw = np.zeros(size * dtype.itemsize + step, np.uint8)
    skip = -raw.ctypes.data % step
    return raw[skip : skip + size * dtype.itemsize].view(dtype)
