"""The first layer's weights: by far the most, and touched only where an input is not zero.

An input that is zero adds nothing to z, and its weights have a zero gradient: skipping it changes
no bit of the result.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from gdexp.engines.compiled.dense import four, four_outer, four_rows
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.layout import PANEL
from gdexp.engines.compiled.simd import LANES, add, fma, load, pointer, prefetch, store, zero

AHEAD = 8  # examples between asking for one and reading it
FAR = 16  # examples between asking where one begins and asking for it, plus AHEAD
LINE = 64  # bytes of a line of the cache


class Inputs(NamedTuple):
    """Examples as `inputs.hold` holds them; the type of `index` tells the form."""

    size: int
    ptr: Any
    index: Any
    values: Any
    labels: Any


@jit
def inputs_at(inputs):
    """Give examples by pointers."""
    ptr, labels = pointer(inputs.ptr), pointer(inputs.labels)
    index, values = pointer(inputs.index), pointer(inputs.values)
    return Inputs(inputs.size, ptr, index, values, labels)


def form_of(inputs):
    """Give the type of `index`, of the compiler's type of examples."""
    return inputs.types[inputs.fields.index("index")].dtype


def entry(inputs, k, h, c, r):
    """Give the offset of the k-th entry's row of weights, from column c on, and its value.

    `r` is the offset of the entry before; what comes before the first one is input -1.
    """


@overload(entry)
def _entry(inputs, k, h, c, r):
    def code(inputs, k, h, c, r):
        code = np.intp(inputs.index[k])
        return r + (code & 255) * h, inputs.values[code >> 8]

    def value(inputs, k, h, c, r):
        return c + np.intp(inputs.index[k]) * h, inputs.values[k]

    def row(inputs, k, h, c, r):
        return r + h, inputs.values[k]

    return {types.uint16: code, types.uint32: value, types.uint8: row}[form_of(inputs)]


def call_for(inputs, first, last):
    """Prefetch entries: they lie anywhere in memory."""


@overload(call_for)
def _call_for(inputs, first, last):
    def codes(inputs, first, last):
        for t in range(first, last, LINE // 2):
            prefetch(inputs.index, t)

    def values(inputs, first, last):
        for t in range(first, min(last, first + LINE), LINE // 4):
            prefetch(inputs.values, t)

    return codes if form_of(inputs) == types.uint16 else values


@jit
def rows(P, w, h, Z, z, inputs, first, last):
    """Z[z:][:h] += Σ_k x_k w_k over inputs from first to last, for a panel: four inputs at a time.

    Row k of the panel is P[w + k h :][:h], h either PANEL or LANES.
    """
    r = w - h
    if h == PANEL:
        a0, a1 = load(Z, z), load(Z, z + LANES)
        b0, b1, c0, c1, d0, d1 = zero(P), zero(P), zero(P), zero(P), zero(P), zero(P)
        for k in range(first, last, 4):
            r, v = entry(inputs, k, PANEL, w, r)
            a0, a1 = fma(v, load(P, r), a0), fma(v, load(P, r + LANES), a1)
            r, v = entry(inputs, k + 1, PANEL, w, r)
            b0, b1 = fma(v, load(P, r), b0), fma(v, load(P, r + LANES), b1)
            r, v = entry(inputs, k + 2, PANEL, w, r)
            c0, c1 = fma(v, load(P, r), c0), fma(v, load(P, r + LANES), c1)
            r, v = entry(inputs, k + 3, PANEL, w, r)
            d0, d1 = fma(v, load(P, r), d0), fma(v, load(P, r + LANES), d1)
        store(Z, z, add(add(a0, b0), add(c0, d0)))
        store(Z, z + LANES, add(add(a1, b1), add(c1, d1)))
    else:
        a0, b0, c0, d0 = load(Z, z), zero(P), zero(P), zero(P)
        for k in range(first, last, 4):
            r, v = entry(inputs, k, LANES, w, r)
            a0 = fma(v, load(P, r), a0)
            r, v = entry(inputs, k + 1, LANES, w, r)
            b0 = fma(v, load(P, r), b0)
            r, v = entry(inputs, k + 2, LANES, w, r)
            c0 = fma(v, load(P, r), c0)
            r, v = entry(inputs, k + 3, LANES, w, r)
            d0 = fma(v, load(P, r), d0)
        store(Z, z, add(add(a0, b0), add(c0, d0)))


@jit
def outer(Q, w, h, D, d, inputs, first, last):
    """w_k += x_k D[d:][:h] for every input k from first to last: one example's part of BP4."""
    r = w - h
    if h == PANEL:
        d0, d1 = load(D, d), load(D, d + LANES)
        for k in range(first, last, 2):
            r, v = entry(inputs, k, PANEL, w, r)
            store(Q, r, fma(v, d0, load(Q, r)))
            store(Q, r + LANES, fma(v, d1, load(Q, r + LANES)))
            r, v = entry(inputs, k + 1, PANEL, w, r)
            store(Q, r, fma(v, d0, load(Q, r)))
            store(Q, r + LANES, fma(v, d1, load(Q, r + LANES)))
    else:
        d0 = load(D, d)
        for k in range(first, last, 2):
            r, v = entry(inputs, k, LANES, w, r)
            store(Q, r, fma(v, d0, load(Q, r)))
            r, v = entry(inputs, k + 1, LANES, w, r)
            store(Q, r, fma(v, d0, load(Q, r)))


def is_dense(inputs):
    """Whether inputs are held as rows: known when the kernels are compiled."""


@overload(is_dense)
def _is_dense(inputs):
    dense = form_of(inputs) == types.uint8
    return lambda inputs: dense


@jit
def feed(P, net, Z, z, room, inputs, order, n, k, held):
    """Z[z + e room :][: h[1]] = z of the first layer, for examples order[k:][:held] of n."""
    h, b = net.h[1], net.b[0]
    for c in range(0, h, PANEL):
        wide = min(PANEL, h - c)
        for e in range(held):
            for t in range(c, c + wide, LANES):
                store(Z, z + e * room + t, load(P, b + t))
        feed_panel(P, c * (b // h), wide, Z, z + c, room, inputs, order, n, k, held)


@jit
def feed_panel(P, w, h, Z, z, room, inputs, order, n, k, held):
    """Add Σ x w to Z for the h outputs of a panel."""
    e = 0
    if is_dense(inputs):
        while e + 4 <= held:
            at, count = four(inputs, order, k + e), np.intp(inputs.ptr[1])
            four_rows(P, w, h, Z, z + e * room, room, inputs.values, at, count)
            e += 4
    while e < held:
        i = order[k + e]
        at, end = np.intp(inputs.ptr[i]), np.intp(inputs.ptr[i + 1])
        rows(P, w, h, Z, z + e * room, inputs, at, end)
        if w == 0:
            j = order[min(k + e + FAR, n - 1)]
            prefetch(inputs.ptr, j)
            prefetch(inputs.labels, j)
            j = order[min(k + e + AHEAD, n - 1)]
            call_for(inputs, np.intp(inputs.ptr[j]), np.intp(inputs.ptr[j + 1]))
        e += 1


@jit
def learn(Q, net, D, d, room, inputs, order, k, held):
    """Q += the weights' part of the gradients of order[k:][:held], with errors D[d + e room :]."""
    h, b = net.h[1], net.b[0]
    for c in range(0, h, PANEL):
        wide = min(PANEL, h - c)
        learn_panel(Q, c * (b // h), wide, D, d + c, room, inputs, order, k, held)


@jit
def learn_panel(Q, w, h, D, d, room, inputs, order, k, held):
    """Add the gradients of the weights to the h outputs of a panel."""
    e = 0
    if is_dense(inputs):
        while e + 4 <= held:
            at, count = four(inputs, order, k + e), np.intp(inputs.ptr[1])
            four_outer(Q, w, h, D, d + e * room, room, inputs.values, at, count)
            e += 4
    while e < held:
        i = order[k + e]
        at, end = np.intp(inputs.ptr[i]), np.intp(inputs.ptr[i + 1])
        outer(Q, w, h, D, d + e * room, inputs, at, end)
        e += 1
