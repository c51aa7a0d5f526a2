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
def plus_row(inputs, some, j, h, start, r, a, b):
    """Add x w of entry j of a group to the sums a and, where h is PANEL, b; points to its row."""
    r, v = entry(inputs, some, j, h, start, r)
    a = fma(v, load(r, 0), a)
    if h == PANEL:
        b = fma(v, load(r, LANES), b)
    return r, a, b


@jit
def rows(P, w, h, Z, z, inputs, g, last):
    """Z[z:][:h] += Σ_k x_k w_k over groups of inputs from g to last, for a panel.

    Row k of the panel is P[w + k h :][:h], h either PANEL or LANES. There are as many sums as
    fit into 16 registers of half of LANES, and more than one, so that none waits for itself. Of a
    range of groups Numba would make a loop with two counters.
    """
    start, nothing = beyond(P, w), zero(P)
    r, a, b, c, d = beyond(start, -h), load(Z, z), nothing, nothing, nothing
    if h == PANEL:
        b = load(Z, z + LANES)  # a and b, c and d are halves of rows
        while g < last:
            some = group(inputs, g)
            g += 1
            r, a, b = plus_row(inputs, some, 0, PANEL, start, r, a, b)
            r, c, d = plus_row(inputs, some, 1, PANEL, start, r, c, d)
            r, a, b = plus_row(inputs, some, 2, PANEL, start, r, a, b)
            r, c, d = plus_row(inputs, some, 3, PANEL, start, r, c, d)
        store(Z, z, add(a, c))
        store(Z, z + LANES, add(b, d))
    else:
        while g < last:
            some = group(inputs, g)
            g += 1
            r, a, _ = plus_row(inputs, some, 0, LANES, start, r, a, nothing)
            r, b, _ = plus_row(inputs, some, 1, LANES, start, r, b, nothing)
            r, c, _ = plus_row(inputs, some, 2, LANES, start, r, c, nothing)
            r, d, _ = plus_row(inputs, some, 3, LANES, start, r, d, nothing)
        store(Z, z, add(add(a, b), add(c, d)))


@jit
def plus_error(inputs, some, j, h, start, r, d0, d1):
    """Add x d to the weights of entry j of a group, d of h units; points to their row."""
    r, v = entry(inputs, some, j, h, start, r)
    store(r, 0, fma(v, d0, load(r, 0)))
    if h == PANEL:
        store(r, LANES, fma(v, d1, load(r, LANES)))
    return r


@jit
def outer(Q, w, h, D, d, inputs, g, last):
    """w_k += x_k D[d:][:h] for every input k of groups from g to last: one example's BP4."""
    start = beyond(Q, w)
    r, d0 = beyond(start, -h), load(D, d)
    if h == PANEL:
        d1 = load(D, d + LANES)
        while g < last:
            some = group(inputs, g)
            g += 1
            r = plus_error(inputs, some, 0, PANEL, start, r, d0, d1)
            r = plus_error(inputs, some, 1, PANEL, start, r, d0, d1)
            r = plus_error(inputs, some, 2, PANEL, start, r, d0, d1)
            r = plus_error(inputs, some, 3, PANEL, start, r, d0, d1)
    else:
        while g < last:
            some = group(inputs, g)
            g += 1
            r = plus_error(inputs, some, 0, LANES, start, r, d0, d0)
            r = plus_error(inputs, some, 1, LANES, start, r, d0, d0)
            r = plus_error(inputs, some, 2, LANES, start, r, d0, d0)
            r = plus_error(inputs, some, 3, LANES, start, r, d0, d0)


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
