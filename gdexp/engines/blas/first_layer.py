"""The first layer of an update, by far the largest: how it is cut up depends on its shape."""

from dataclasses import dataclass, field

from gdexp.engines.blas.gemm import Array, Program, gemm
from gdexp.engines.blas.rooms import Room, Weights
from gdexp.engines.processor import has_wide_vectors

PRODUCT = 1_000_000  # multiplications
SHORTEST = 32  # piece, in examples


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

    z: Array  # (n, m)
    delta: Array  # (n, m)
    forward: Program = field(default_factory=list)
    update: Program = field(default_factory=list)


def first_layer(
    weights: Weights, to: Weights, room: Room, x: Array, scale: float, eta: float
) -> First:
    """Bind the first layer to inputs x, (m, n_in + 1), that hold `scale` times their values.

    A few examples go by columns, like all other layers. More of them go by rows: then pieces of
    them lie adjacent in memory.
    """
    v, total, n = weights.v[0], to.v[0], len(room.a[0])
    if not weights.wide:
        z, delta = room.z[0], room.delta[0]
        forward = [gemm(z, v, x.T, 1 / scale)]
        return First(z, delta, forward, [gemm(total, delta, x, -eta / scale, 1.0)])
    z, delta = room.rows  # (m, padded n)
    cuts = pieces(len(x), v.size)
    return First(
        z[:, :n].T,
        delta[:, :n].T,
        [gemm(z[cut], x[cut], v.T, 1 / scale) for cut in cuts],
        [gemm(total, delta[cut].T, x[cut], -eta / scale, 1.0) for cut in cuts],
    )
