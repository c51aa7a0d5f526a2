"""The first layer's weights where inputs are dense: four examples share each row of weights."""

import numpy as np

from gdexp.engines.compiled.inputs import UNIT
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.memory import load, store, zero
from gdexp.engines.compiled.simd import LANES, add, fma


@jit
def four(inputs, order, k):
    """Give where the entries of examples order[k : k + 4] begin."""
    width = UNIT * np.intp(inputs.ptr[1])
    return order[k] * width, order[k + 1] * width, order[k + 2] * width, order[k + 3] * width


@jit
def four_rows(P, w, h, Z, z, room, x, at, count):
    """Do `rows` for four examples, whose `count` inputs are x[at[0]:], x[at[1]:] and so on."""
    i, j, k, l = at
    for c in range(0, h, LANES):
        o, p, r = z + c, z + c + 2 * room, w + c
        a0, b0, c0, d0 = load(Z, o), load(Z, o + room), load(Z, p), load(Z, p + room)
        a1, b1, c1, d1 = zero(P), zero(P), zero(P), zero(P)
        for t in range(0, count, 2):
            u, v = load(P, r), load(P, r + h)
            a0, a1 = fma(x[i + t], u, a0), fma(x[i + t + 1], v, a1)
            b0, b1 = fma(x[j + t], u, b0), fma(x[j + t + 1], v, b1)
            c0, c1 = fma(x[k + t], u, c0), fma(x[k + t + 1], v, c1)
            d0, d1 = fma(x[l + t], u, d0), fma(x[l + t + 1], v, d1)
            r += 2 * h
        store(Z, o, add(a0, a1))
        store(Z, o + room, add(b0, b1))
        store(Z, p, add(c0, c1))
        store(Z, p + room, add(d0, d1))


@jit
def four_outer(Q, w, h, D, d, room, x, at, count):
    """Do `outer` for four examples."""
    i, j, k, l = at
    for c in range(0, h, LANES):
        o, p, r = d + c, d + c + 2 * room, w + c
        d0, d1, d2, d3 = load(D, o), load(D, o + room), load(D, p), load(D, p + room)
        for t in range(count):
            q = fma(x[j + t], d1, fma(x[i + t], d0, load(Q, r)))
            store(Q, r, fma(x[l + t], d3, fma(x[k + t], d2, q)))
            r += h
