"""Mini-batches whose first layer is done together, though each changes it for those after it."""

import numpy as np

from gdexp.engines.blas.first_layer import First, FirstLayer
from gdexp.engines.blas.gemm import Array, Program, dot, gemm
from gdexp.engines.blas.rooms import Room, aligned
from gdexp.engines.processor import has_wide_vectors

SINGLE = 32  # examples, of m = 1, that are done together
MOST = 40  # examples of larger mini-batches


def together(m: int, n: int) -> int:
    """Say how many mini-batches of m are done together, before a first layer of n units.

    Products of few examples are slow, but those of pairs grow with m: up to two examples for three
    units there is something left. With vectors of 512 bits OpenBLAS is made for few examples.
    """
    if m == 1:
        return SINGLE
    return 1 if has_wide_vectors() else max(1, min(MOST, 2 * n // 3) // m)


class Ahead:
    """Weighted inputs and errors of the first layer, of the b examples of some mini-batches.

    The first layer's large matrix W is touched twice instead of twice a mini-batch. Before example
    i it is W − η Σ δ_k x_kᵀ over all examples k of the mini-batches before, so that its weighted
    input is z_i = W x_i − η Σ δ_k (x_k·x_i). Products of such pairs of inputs are had beforehand,
    and the errors of a mini-batch then change the z of those yet to come. The same descent, but
    for rounding.

    Parameters
    ----------
    b, m : int
        Examples in all, and of each mini-batch; m divides b.
    room : Room
        Of m examples.
    factor : float
        What Σ δ_k (x_k·x_i) is multiplied by, for x as they are given.
    sign : int
        As of `First`.

    Attributes
    ----------
    delta : ndarray, shape (b, padded n)
    firsts : list of First
        The first layer of each mini-batch: what is the same whatever the inputs.
    """

    def __init__(self, b: int, m: int, room: Room, factor: float, sign: int) -> None:
        n, (_, _, width), dtype = len(room.a[0]), room.rows.shape, room.rows.dtype
        self._z, self.delta = aligned((2, b, width), dtype)
        self._m, self._sign = m, sign
        ends = range(m, b, m)
        # Many products of few examples are slower than one of all, half of which is not wanted.
        self._all = np.empty((b, b), dtype) if m == 1 else None
        self._pairs = [
            np.empty((b - end, m), dtype)
            if self._all is None
            else self._all[end - 1, end:].reshape(-1, 1)
            for end in ends
        ]
        self.firsts = [
            First(self._z[at : at + m, :n].T, self.delta[at : at + m, :n].T, sign=sign)
            for at in range(0, b, m)
        ]
        for first, end, pairs in zip(self.firsts, ends, self._pairs, strict=False):
            first.update = [
                gemm(self._z[end:], pairs, self.delta[end - m : end], sign * factor, 1.0)
            ]

    def begin(self, x: Array, layer: FirstLayer, scale: float) -> Program:
        """Give the steps from x, (b, columns), to all z as they are before the first update."""
        v = layer.weights[:, : x.shape[1]]
        z = [dot(self._z, x, v.T), *layer.to_z(self._z, scale, self._sign)]
        if self._all is not None:
            return [*z, dot(self._all, x, x.T)]
        return z + [
            dot(pairs, x[end:], x[end - self._m : end].T)
            for end, pairs in zip(range(self._m, len(x), self._m), self._pairs, strict=True)
        ]
