"""What the compiled engine compiles of a network's layers: forward, backward, and gradients.

Parameters lie in one flat array P, as `layout` lays them. The first layer's weights, of which only
those are touched whose inputs are not zero, are `first_layer`'s.
"""

from typing import Any, NamedTuple

from numba import njit

from gdexp.engines.compiled.elementary import (
    exp_less,
    relu,
    relu_back,
    sigmoid,
    sigmoid_back,
    tanh,
    tanh_back,
)
from gdexp.engines.compiled.layout import KINDS
from gdexp.engines.compiled.simd import (
    LANES,
    add,
    fma,
    head,
    interleaved_totals,
    less_one_at,
    load,
    multiply_add,
    pointer,
    scale,
    store,
    totals,
    zero,
)

SIGMOID, TANH, RELU, SOFTMAX = (KINDS[name] for name in ("sigmoid", "tanh", "relu", "softmax"))
QUADRATIC = 0  # 1 is cross-entropy
CHUNK = 128  # most examples that are fed forward before their gradients are gathered

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
def eight_dots(P, r, step, h, A, a):
    """Give eight sums of P[r + j step + k] A[a + k] over k, each in two parts: see `totals`."""
    s, t, u, v = zero(P), zero(P), zero(P), zero(P)
    w, x, y, z = zero(P), zero(P), zero(P), zero(P)
    for k in range(0, h, LANES):
        q, other = load(A, a + k), r + k + 4 * step
        s = multiply_add(load(P, r + k), q, s)
        t = multiply_add(load(P, r + k + step), q, t)
        u = multiply_add(load(P, r + k + 2 * step), q, u)
        v = multiply_add(load(P, r + k + 3 * step), q, v)
        w = multiply_add(load(P, other), q, w)
        x = multiply_add(load(P, other + step), q, x)
        y = multiply_add(load(P, other + 2 * step), q, y)
        z = multiply_add(load(P, other + 3 * step), q, z)
    return totals(s, t, u, v, w, x, y, z)


@jit
def later_layer(P, net, l, A, a, Z, z):
    """Z[z + j] = b[j] + Σ_k w[j, k] A[a + k]: weighted inputs of a layer behind the first."""
    h = net.h[l]
    for j in range(0, net.h[l + 1], LANES):
        r = net.w[l] + j * h
        even, odd = eight_dots(P, r, 2 * h, h, A, a), eight_dots(P, r + h, 2 * h, h, A, a)
        store(Z, z + j, add(load(P, net.b[l] + j), interleaved_totals(even, odd)))


@jit
def combine(P, w, h, D, d, n, E, e):
    """E[e:][:h] = Σ_j D[d + j] P[w + j h :][:h]: errors back through a layer's weights."""
    for t in range(0, h, LANES):
        u, v, r = zero(P), zero(P), w + t
        for j in range(0, n - 1, 2):
            u = fma(D[d + j], load(P, r + j * h), u)
            v = fma(D[d + j + 1], load(P, r + (j + 1) * h), v)
        if n % 2:
            u = fma(D[d + n - 1], load(P, r + (n - 1) * h), u)
        store(E, e + t, add(u, v))


@jit
def activate(kind, A, o, n, h):
    """Replace the weighted inputs A[o:][:n] by activations; padding becomes zero."""
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
    end = o + h - LANES
    store(A, end, head(load(A, end), o + n - end))


@jit
def forward(P, net, A, room, held):
    """Feed examples forward, from z of the first layer on, layer by layer.

    Layer l of example e is A[e room + l pitch :], and A[e room :] z of the last layer.
    """
    last = net.layers - 1
    for l in range(last + 1):
        for e in range(held):
            o, h = e * room, net.h[l + 1]
            to = o + (l + 1) * net.pitch
            if l > 0:
                later_layer(P, net, l, A, to - net.pitch, A, to)
            if l == last:
                for t in range(0, h, LANES):
                    store(A, o + t, load(A, to + t))
            activate(net.kinds[l], A, to, net.n[l + 1], h)


@jit
def through(kind, A, o, D, q, n, h):
    """Turn ∇_a C, in D[q:][:n], into δ = ∂C/∂z, given the activations A[o:][:n]."""
    if kind == SIGMOID:
        for t in range(0, h, LANES):
            store(D, q + t, sigmoid_back(load(A, o + t), load(D, q + t)))
    elif kind == TANH:
        for t in range(0, h, LANES):
            store(D, q + t, tanh_back(load(A, o + t), load(D, q + t)))
    elif kind == RELU:
        for t in range(0, h, LANES):
            store(D, q + t, relu_back(load(A, o + t), load(D, q + t)))
    elif kind == SOFTMAX:
        mean = D[q] - D[q]
        for j in range(n):
            mean += D[q + j] * A[o + j]
        for j in range(n):
            D[q + j] = A[o + j] * (D[q + j] - mean)


@jit
def backward(P, net, labels, A, D, room, held, eta):
    """D[e room + l pitch :] = -eta δ of layer l of example e, from the last to the first."""
    last = net.layers - 1
    n, h = net.n[last + 1], net.h[last + 1]
    for e in range(held):
        o = e * room + (last + 1) * net.pitch
        for t in range(0, h, LANES):
            store(D, o + t, scale(-eta, less_one_at(load(A, o + t), labels[e] - t)))
        if net.cost == QUADRATIC:
            through(net.kinds[last], A, o, D, o, n, h)
    for l in range(last, 0, -1):
        for e in range(held):
            o = e * room + l * net.pitch
            combine(P, net.w[l], net.h[l], D, o + net.pitch, net.n[l + 1], D, o)
            through(net.kinds[l - 1], A, o, D, o, net.n[l], net.h[l])


@jit
def gather(Q, net, A, D, room, held):
    """Q += -eta times the gradients of examples, but for the first layer's weights."""
    for l in range(net.layers):
        for e in range(held):
            q, h = e * room + (l + 1) * net.pitch, net.h[l + 1]
            for t in range(0, h, LANES):
                store(Q, net.b[l] + t, add(load(Q, net.b[l] + t), load(D, q + t)))
            if l > 0:
                plus_outer(Q, net.w[l], net.h[l], A, q - net.pitch, D, q, net.n[l + 1])


@jit
def plus_outer(Q, w, h, A, a, D, d, n):
    """Q[w + j h :][:h] += D[d + j] A[a:][:h] for j up to n: BP4 of a layer behind the first."""
    for j in range(n):
        r = w + j * h
        for t in range(0, h, LANES):
            store(Q, r + t, fma(D[d + j], load(A, a + t), load(Q, r + t)))
