"""From the sum of the gradients to g: the penalty, clipping, and the length of a vector."""

import math

from gdexp.engines.compiled.arithmetic import sign, widen
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.memory import load, store, zero
from gdexp.engines.compiled.recipe import FIXED
from gdexp.engines.compiled.simd import LANES, fma, multiply_add, scale


@jit
def penalise(P, Q, net, l1, l2):
    """Q += l2 w + l1 sign(w) at all weights, and not at biases."""
    for l in range(net.layers):
        for k in range(net.w[l], net.b[l], LANES):
            w, g = load(P, k), load(Q, k)
            store(Q, k, fma(l1, sign(w), fma(l2, w, g)))


@jit
def shorten(Q, sums, size, recipe):
    """Scale Q to the length 1 where the rule wants that, else to `clip` where it is longer."""
    factor = 1.0
    if recipe.code == FIXED or recipe.clip < math.inf:
        length = length_of(Q, sums, size)
        if length > recipe.clip:
            factor = recipe.clip / length
        if recipe.code == FIXED and length > 0:
            factor = 1 / length
    if factor != 1:
        for k in range(0, size, LANES):
            store(Q, k, scale(factor, load(Q, k)))


@jit
def length_of(Q, sums, size):
    """Give ‖Q‖: squares are added up in float64, lane by lane, then lane after lane."""
    total, squares = 0.0, zero(sums)
    for k in range(0, size, LANES):
        g = widen(load(Q, k))
        squares = multiply_add(g, g, squares)
    store(sums, 0, squares)
    for lane in range(LANES):
        total += sums[lane]
    return math.sqrt(total)
