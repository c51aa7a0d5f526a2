"""What the compiled engine compiles for one example: forward, backward, and its gradient.

Parameters lie in one flat array P, padded so that vectors fit: of layer l the weights from unit k
to all units of the next layer are P[w[l] + k h[l+1] :][: h[l+1]], where h is n rounded up to LANES,
and the biases P[b[l] :][: h[l+1]]. Padding is zero and stays zero, since its errors are zero.

An example's inputs are pairs of index and value, ix[k], x[at + k] for k from `first` to `last`:
those that are not zero where inputs are held sparse, else all of them with ix[k] = k. A zero input
adds nothing to z, and its weights have a zero gradient: skipping it changes no bit of the result.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from gdexp.engines.layout import KINDS
from gdexp.engines.simd import (
    LANES,
    add,
    exp_less,
    fma,
    load,
    multiply_add,
    pointer,
    prefetch,
    relu,
    sigmoid,
    store,
    tanh,
    total,
    zero,
)

SIGMOID, TANH, RELU, SOFTMAX = (KINDS[name] for name in ("sigmoid", "tanh", "relu", "softmax"))
QUADRATIC = 0  # 1 is cross-entropy

jit: Any = njit(cache=True, nogil=True, error_model="numpy")


class Net(NamedTuple):
    """A network's shape: layers L, units n and pitches h (L + 1), offsets w and b, codes (L), cost.

    `pitch` is the largest of h. Outside of the kernels the tables are arrays, inside pointers.
    """

    layers: int
    pitch: int
    n: Any
    h: Any
    w: Any
    b: Any
    kinds: Any
    cost: int


class Inputs(NamedTuple):
    """Examples: pairs ix, x between ptr[i] and ptr[i + 1], or dense rows of x; and labels."""

    size: int
    dense: bool
    ptr: Any
    ix: Any
    x: Any
    labels: Any


@jit
def net_at(net):
    """Give a network's shape by pointers.

    An array that is passed on, or taken from a tuple, is counted, atomically: that alone would
    double the time of an epoch.
    """
    tables = pointer(net.n), pointer(net.h), pointer(net.w), pointer(net.b), pointer(net.kinds)
    n, h, w, b, kinds = tables
    return Net(net.layers, net.pitch, n, h, w, b, kinds, net.cost)


@jit
def inputs_at(inputs):
    """Give examples by pointers."""
    tables = pointer(inputs.ptr), pointer(inputs.ix), pointer(inputs.x), pointer(inputs.labels)
    ptr, ix, x, labels = tables
    return Inputs(inputs.size, inputs.dense, ptr, ix, x, labels)


@jit
def rows(P, w, h, out, o, ix, x, at, first, last):
    """out[o:][:h] += Σ_k x[at + k] P[w + ix[k] h :][:h], 32 outputs by 4 inputs at a time."""
    c = 0
    while c + 2 * LANES <= h:
        q, k = w + c, first
        a0, a1 = load(out, o + c), load(out, o + c + LANES)
        b0, b1, c0, c1, d0, d1 = zero(P), zero(P), zero(P), zero(P), zero(P), zero(P)
        while k + 4 <= last:
            r, v = q + np.intp(ix[k]) * h, x[at + k]
            a0, a1 = fma(v, load(P, r), a0), fma(v, load(P, r + LANES), a1)
            r, v = q + np.intp(ix[k + 1]) * h, x[at + k + 1]
            b0, b1 = fma(v, load(P, r), b0), fma(v, load(P, r + LANES), b1)
            r, v = q + np.intp(ix[k + 2]) * h, x[at + k + 2]
            c0, c1 = fma(v, load(P, r), c0), fma(v, load(P, r + LANES), c1)
            r, v = q + np.intp(ix[k + 3]) * h, x[at + k + 3]
            d0, d1 = fma(v, load(P, r), d0), fma(v, load(P, r + LANES), d1)
            k += 4
        while k < last:
            r, v = q + np.intp(ix[k]) * h, x[at + k]
            a0, a1 = fma(v, load(P, r), a0), fma(v, load(P, r + LANES), a1)
            k += 1
        store(out, o + c, add(add(a0, b0), add(c0, d0)))
        store(out, o + c + LANES, add(add(a1, b1), add(c1, d1)))
        c += 2 * LANES
    if c < h:
        q, k = w + c, first
        a0, b0 = load(out, o + c), zero(P)
        while k + 2 <= last:
            a0 = fma(x[at + k], load(P, q + np.intp(ix[k]) * h), a0)
            b0 = fma(x[at + k + 1], load(P, q + np.intp(ix[k + 1]) * h), b0)
            k += 2
        if k < last:
            a0 = fma(x[at + k], load(P, q + np.intp(ix[k]) * h), a0)
        store(out, o + c, add(a0, b0))


@jit
def outer(Q, w, h, d, o, ix, x, at, first, last):
    """Q[w + ix[k] h :][:h] += x[at + k] d[o:][:h] for every k: one example's part of BP4."""
    c = 0
    while c + 2 * LANES <= h:
        d0, d1 = load(d, o + c), load(d, o + c + LANES)
        for k in range(first, last):
            r, v = w + c + np.intp(ix[k]) * h, x[at + k]
            store(Q, r, fma(v, d0, load(Q, r)))
            store(Q, r + LANES, fma(v, d1, load(Q, r + LANES)))
        c += 2 * LANES
    if c < h:
        d0 = load(d, o + c)
        for k in range(first, last):
            r = w + c + np.intp(ix[k]) * h
            store(Q, r, fma(x[at + k], d0, load(Q, r)))


@jit
def activate(kind, A, o, n, h):
    """Replace the weighted inputs A[o:][:n] by activations; padding gets what it gets."""
    if kind == SIGMOID:
        for t in range(o, o + h, LANES):
            store(A, t, sigmoid(load(A, t)))
    elif kind == TANH:
        for t in range(o, o + h, LANES):
            store(A, t, tanh(load(A, t)))
    elif kind == RELU:
        for t in range(o, o + h, LANES):
            store(A, t, relu(load(A, t)))
    elif kind == SOFTMAX:
        top, whole = A[o], A[o] - A[o]
        for t in range(o, o + n):
            top = max(top, A[t])
        for t in range(o, o + h, LANES):
            store(A, t, exp_less(load(A, t), top))
        for t in range(o, o + n):
            whole += A[t]
        for t in range(o, o + n):
            A[t] /= whole


@jit
def forward(P, net, inputs, i, A, o, io):
    """Feed example i forward: layer l to A[o + l net.pitch :], z of the last layer to A[o :]."""
    last = net.layers - 1
    for l in range(last + 1):
        to, h = o + (l + 1) * net.pitch, net.h[l + 1]
        for t in range(0, h, LANES):
            store(A, to + t, load(P, net.b[l] + t))
        if l > 0:
            rows(P, net.w[l], h, A, to, io, A, o + l * net.pitch, 0, net.n[l])
        elif inputs.dense:
            rows(P, net.w[0], h, A, to, io, inputs.x, inputs.ptr[i], 0, net.n[0])
        else:
            rows(P, net.w[0], h, A, to, inputs.ix, inputs.x, 0, inputs.ptr[i], inputs.ptr[i + 1])
        if l == last:
            for t in range(0, h, LANES):
                store(A, o + t, load(A, to + t))
        activate(net.kinds[l], A, to, net.n[l + 1], h)


@jit
def through(kind, A, o, D, q, n):
    """Turn ∇_a C, in D[q:][:n], into δ = ∂C/∂z, given the activations A[o:][:n]."""
    if kind == SIGMOID:
        for j in range(n):
            D[q + j] *= A[o + j] * (1 - A[o + j])
    elif kind == TANH:
        for j in range(n):
            D[q + j] *= 1 - A[o + j] * A[o + j]
    elif kind == RELU:
        for j in range(n):
            if not A[o + j] > 0:
                D[q + j] *= 0
    elif kind == SOFTMAX:
        mean = D[q] - D[q]
        for j in range(n):
            mean += D[q + j] * A[o + j]
        for j in range(n):
            D[q + j] = A[o + j] * (D[q + j] - mean)


@jit
def backward(P, net, label, A, D, o, scale):
    """Fill D[o + l pitch :] with scale δ of each layer l, from the last to the first."""
    last = net.layers - 1
    q = o + (last + 1) * net.pitch
    for j in range(net.n[last + 1]):
        D[q + j] = scale * A[q + j]
    D[q + label] = scale * (A[q + label] - 1)
    if net.cost == QUADRATIC:
        through(net.kinds[last], A, q, D, q, net.n[last + 1])
    for l in range(last, 0, -1):
        h, q, to = net.h[l + 1], o + (l + 1) * net.pitch, o + l * net.pitch
        for j in range(net.n[l]):
            at, v = net.w[l] + j * h, zero(P)
            for t in range(0, h, LANES):
                v = multiply_add(load(P, at + t), load(D, q + t), v)
            D[to + j] = total(v)
        through(net.kinds[l - 1], A, to, D, to, net.n[l])


@jit
def gather(Q, net, inputs, i, A, D, o, io):
    """Q += the gradient of example i, with the errors D."""
    for l in range(net.layers):
        q, h = o + (l + 1) * net.pitch, net.h[l + 1]
        for t in range(0, h, LANES):
            store(Q, net.b[l] + t, add(load(Q, net.b[l] + t), load(D, q + t)))
        if l > 0:
            outer(Q, net.w[l], h, D, q, io, A, o + l * net.pitch, 0, net.n[l])
        elif inputs.dense:
            outer(Q, net.w[0], h, D, q, io, inputs.x, inputs.ptr[i], 0, net.n[0])
        else:
            outer(Q, net.w[0], h, D, q, inputs.ix, inputs.x, 0, inputs.ptr[i], inputs.ptr[i + 1])


@jit
def call_for(inputs, i):
    """Prefetch the head of an example's inputs: they lie anywhere in memory."""
    j = inputs.ptr[i]
    for t in range(0, 10 * LANES, 2 * LANES):
        if not inputs.dense:
            prefetch(inputs.ix, j + t)
        prefetch(inputs.x, j + t)
        prefetch(inputs.x, j + t + LANES)
