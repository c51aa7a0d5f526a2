"""The first layer of an update, by far the largest: how it is cut up depends on its shape."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from gdexp.engines.blas.gemm import Array, Program, dot, gemm
from gdexp.engines.blas.rooms import Room, Weights
from gdexp.engines.processor import has_wide_vectors

PRODUCT = 1_000_000  # multiplications
SHORTEST = 32  # piece, in examples
ADDED_FROM = 64  # examples: their change is computed apart, by the faster BLAS, and then added


def pieces(m: int, weights: int) -> list[slice]:
    """Cut m examples so that OpenBLAS takes each piece as it lies in memory.

    It copies the factors of a product of more than about 10^6 multiplications before it begins,
    which at these sizes costs a third of the time. Pieces of few examples are no better. With
    vectors of less than 512 bits it copies those of every product: then there is one piece.
    """
    size = PRODUCT // weights // 4 * 4  # its kernels take four at a time, or more
    if size < SHORTEST or not has_wide_vectors():
        return [slice(0, m)]
    return [slice(at, min(at + size, m)) for at in range(0, m, size)]


@dataclass
class First:
    """The first layer in an update: where its z and δ are, how z comes and what δ changes."""

    z: Array  # (n, m), times `sign`
    delta: Array  # (n, m)
    forward: Program = field(default_factory=list)
    update: Program = field(default_factory=list)
    sign: int = 1


class FirstLayer:
    """Binds the first layer of updates to inputs.

    Parameters
    ----------
    weights : Weights
    to : Weights
        What updates are added to.
    """

    def __init__(self, weights: Weights, to: Weights) -> None:
        self.weights, self.to, self.scale = weights.v[0], to.v[0], weights.scale
        self._change = np.empty(self.weights.size, self.weights.dtype)

    def of(self, x: Array, scale: float, room: Room, eta: float, sign: int) -> First:
        """Bind it to x, (m, columns), which holds `scale` times the inputs.

        They may have fewer columns than the weights: what they lack is zero.
        """
        v, n = self.weights[:, : x.shape[1]], len(room.a[0])
        cuts = pieces(len(x), v.size)
        # A piece of several must lie adjacent in memory; whole, δ is cheaper to write by columns.
        delta = room.delta_rows if len(cuts) == 1 else room.rows[1]
        z = room.rows[0]  # (m, padded n)
        forward = [*(dot(z[cut], x[cut], v.T) for cut in cuts), *self.to_z(z, scale, sign)]
        update = self.update(x, delta, self.factor(eta, scale))
        return First(z[:, :n].T, delta[:, :n].T, forward, update, sign)

    def to_z(self, product: Array, scale: float, sign: int) -> Program:
        """Give the steps, if any, from the product of inputs and weights to their z."""
        return scaled(product, sign * self.scale / scale)

    def factor(self, eta: float, scale: float) -> float:
        """Say what Σ δ xᵀ is multiplied by, to be added to weights that are divided, too."""
        return -eta / (scale * self.scale)

    def update(self, x: Array, delta: Array, factor: float) -> Program:
        """Give the steps that add `factor` Σ δ xᵀ, for δ of shape (m, padded(n)).

        From ADDED_FROM examples on, the δ are multiplied by the factor in place.
        """
        to, columns = self.to[:, : x.shape[1]], x.shape[1]
        cuts = pieces(len(x), to.size)
        if len(cuts) > 1 or len(x) < ADDED_FROM:
            return [gemm(to, delta[cut].T, x[cut], factor, 1.0) for cut in cuts]
        change = self._change[: to.size].reshape(columns, -1)
        return [
            *scaled(delta, factor),
            dot(change, x.T, delta),
            partial(np.add, to.T, change, to.T),
        ]


def scaled(a: Array, factor: float) -> Program:
    """Give the step of a ← factor a, if it changes anything."""
    return [] if factor == 1 else [partial(np.multiply, a, np.array(factor, a.dtype), a)]
