"""The first layer's weights: by far the most, and touched only where an input is not zero.

An input that is zero adds nothing to z, and its weights have a zero gradient: skipping it changes
no bit of the result.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from gdexp.engines.compiled.dense import four, four_outer, four_rows
from gdexp.engines.compiled.inputs import GROUPS, LINE, UNIT
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.layout import PANEL
from gdexp.engines.compiled.memory import beyond, halves, load, pointer, prefetch, store, zero
from gdexp.engines.compiled.simd import LANES, add, fma

AHEAD = 8  # examples between asking for one and reading it
FAR = 16  # examples between asking where one begins, with its label, and reading it


class Inputs(NamedTuple):
    """Examples as `inputs.hold` holds them; the type of `index` tells the form."""

    size: int
    lines: int
    ptr: Any
    index: Any
    values: Any
    labels: Any


@jit
def inputs_at(inputs):
    """Give examples by pointers."""
    ptr, labels = pointer(inputs.ptr), pointer(inputs.labels)
    index, values = pointer(inputs.index), pointer(inputs.values)
    return Inputs(inputs.size, inputs.lines, ptr, index, values, labels)


def form_of(inputs):
    """Give the type of `index`, of the compiler's type of examples."""
    return inputs.types[inputs.fields.index("index")].dtype


def group(inputs, g):
    """Read what `entry` needs of the g-th group of UNIT entries."""


@overload(group)
def _group(inputs, g):
    if form_of(inputs) == types.uint64:
        return lambda inputs, g: halves(inputs.index, g)
    return lambda inputs, g: g


def entry(inputs, some, j, h, start, r):
    """Point to the row of h weights of entry j of a group, and give its value.

    `start` points to the row of input 0, r to that of the entry before, at first to input -1.
    """


@overload(entry)
def _entry(inputs, some, j, h, start, r):
    def code(inputs, some, j, h, start, r):
        two = some[j // 2] >> 16 * (j % 2)
        step, byte = np.intp(two & 255), np.intp(two >> 8 & 255)
        return beyond(r, step * h), inputs.values[byte]

    def value(inputs, some, j, h, start, r):
        k = UNIT * some + j
        return beyond(start, np.intp(inputs.index[k]) * h), inputs.values[k]

    def row(inputs, some, j, h, start, r):
        return beyond(r, h), inputs.values[UNIT * some + j]

    return {types.uint64: code, types.uint32: value, types.uint8: row}[form_of(inputs)]


@jit
def two_lines(index, at):
    """Prefetch codes."""
    prefetch(index, at)
    prefetch(index, at + GROUPS)


def call_for(inputs, first, last):
    """Prefetch groups of entries: they lie anywhere in memory.

    Of codes as many lines are asked for as most examples take, up to six without a loop: its end,
    where the processor foretells it wrongly, costs more than a line too many.
    """


@overload(call_for)
def _call_for(inputs, first, last):
    def codes(inputs, first, last):
        two_lines(inputs.index, first)
        if inputs.lines > 2:
            two_lines(inputs.index, first + 2 * GROUPS)
        if inputs.lines > 4:
            two_lines(inputs.index, first + 4 * GROUPS)
        for t in range(6 * GROUPS, inputs.lines * GROUPS, GROUPS):
            prefetch(inputs.index, first + t)

    def values(inputs, first, last):
        for t in range(UNIT * first, min(UNIT * last, UNIT * first + LINE), LINE // 4):
            prefetch(inputs.values, t)

    return codes if form_of(inputs) == types.uint64 else values


@jit
def rows(P, w, h, Z, z, inputs, g, last):
    """Z[z:][:h] += Σ_k x_k w_k over groups of inputs from g to last, for a panel.

    Row k of the panel is P[w + k h :][:h], h either PANEL or LANES. There are as many sums as
    fit into 16 registers of half of LANES, and more than one, so that none waits for itself. Of a
    range of groups Numba would make a loop with two counters.
    """
    start = beyond(P, w)
    r = beyond(start, -h)
    if h == PANEL:
        a0, a1, b0, b1 = load(Z, z), load(Z, z + LANES), zero(P), zero(P)
        while g < last:
            some = group(inputs, g)
            g += 1
            r, v = entry(inputs, some, 0, PANEL, start, r)
            a0, a1 = fma(v, load(r, 0), a0), fma(v, load(r, LANES), a1)
            r, v = entry(inputs, some, 1, PANEL, start, r)
            b0, b1 = fma(v, load(r, 0), b0), fma(v, load(r, LANES), b1)
            r, v = entry(inputs, some, 2, PANEL, start, r)
            a0, a1 = fma(v, load(r, 0), a0), fma(v, load(r, LANES), a1)
            r, v = entry(inputs, some, 3, PANEL, start, r)
            b0, b1 = fma(v, load(r, 0), b0), fma(v, load(r, LANES), b1)
        store(Z, z, add(a0, b0))
        store(Z, z + LANES, add(a1, b1))
    else:
        a0, b0, c0, d0 = load(Z, z), zero(P), zero(P), zero(P)
        while g < last:
            some = group(inputs, g)
            g += 1
            r, v = entry(inputs, some, 0, LANES, start, r)
            a0 = fma(v, load(r, 0), a0)
            r, v = entry(inputs, some, 1, LANES, start, r)
            b0 = fma(v, load(r, 0), b0)
            r, v = entry(inputs, some, 2, LANES, start, r)
            c0 = fma(v, load(r, 0), c0)
            r, v = entry(inputs, some, 3, LANES, start, r)
            d0 = fma(v, load(r, 0), d0)
        store(Z, z, add(add(a0, b0), add(c0, d0)))


@jit
def plus(Q, k, v, d):
    """Q[k:][:LANES] += v d."""
    store(Q, k, fma(v, d, load(Q, k)))


@jit
def outer(Q, w, h, D, d, inputs, g, last):
    """w_k += x_k D[d:][:h] for every input k of groups from g to last: one example's BP4."""
    start = beyond(Q, w)
    r = beyond(start, -h)
    if h == PANEL:
        d0, d1 = load(D, d), load(D, d + LANES)
        while g < last:
            some = group(inputs, g)
            g += 1
            r, v = entry(inputs, some, 0, PANEL, start, r)
            plus(r, 0, v, d0)
            plus(r, LANES, v, d1)
            r, v = entry(inputs, some, 1, PANEL, start, r)
            plus(r, 0, v, d0)
            plus(r, LANES, v, d1)
            r, v = entry(inputs, some, 2, PANEL, start, r)
            plus(r, 0, v, d0)
            plus(r, LANES, v, d1)
            r, v = entry(inputs, some, 3, PANEL, start, r)
            plus(r, 0, v, d0)
            plus(r, LANES, v, d1)
    else:
        d0 = load(D, d)
        while g < last:
            some = group(inputs, g)
            g += 1
            r, v = entry(inputs, some, 0, LANES, start, r)
            plus(r, 0, v, d0)
            r, v = entry(inputs, some, 1, LANES, start, r)
            plus(r, 0, v, d0)
            r, v = entry(inputs, some, 2, LANES, start, r)
            plus(r, 0, v, d0)
            r, v = entry(inputs, some, 3, LANES, start, r)
            plus(r, 0, v, d0)


def is_dense(inputs):
    """Whether inputs are held as rows: known when the kernels are compiled."""


@overload(is_dense)
def _is_dense(inputs):
    dense = form_of(inputs) == types.uint8
    return lambda inputs: dense


@jit
def feed(P, net, Z, room, inputs, order, n, k, held):
    """Z[e room :][: h[1]] = z of the first layer, for examples order[k:][:held] of n."""
    h, b = net.h[1], net.b[0]
    for c in range(0, h, PANEL):
        wide = min(PANEL, h - c)
        for e in range(held):
            for t in range(c, c + wide, LANES):
                store(Z, e * room + t, load(P, b + t))
        feed_panel(P, c * (b // h), wide, Z, c, room, inputs, order, n, k, held)


@jit
def feed_panel(P, w, h, Z, z, room, inputs, order, n, k, held):
    """Add Σ x w to Z for the h outputs of a panel."""
    e = 0
    if is_dense(inputs):
        while e + 4 <= held:
            at, count = four(inputs, order, k + e), UNIT * np.intp(inputs.ptr[1])
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
def learn(Q, net, D, room, inputs, order, k, held):
    """Q += the weights' part of the gradients of order[k:][:held], with errors D[e room :]."""
    h, b = net.h[1], net.b[0]
    for c in range(0, h, PANEL):
        wide = min(PANEL, h - c)
        learn_panel(Q, c * (b // h), wide, D, c, room, inputs, order, k, held)


@jit
def learn_panel(Q, w, h, D, d, room, inputs, order, k, held):
    """Add the gradients of the weights to the h outputs of a panel."""
    e = 0
    if is_dense(inputs):
        while e + 4 <= held:
            at, count = four(inputs, order, k + e), UNIT * np.intp(inputs.ptr[1])
            four_outer(Q, w, h, D, d + e * room, room, inputs.values, at, count)
            e += 4
    while e < held:
        i = order[k + e]
        at, end = np.intp(inputs.ptr[i]), np.intp(inputs.ptr[i + 1])
        outer(Q, w, h, D, d + e * room, inputs, at, end)
        e += 1
