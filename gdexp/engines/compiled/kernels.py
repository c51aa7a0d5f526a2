"""What the compiled engine compiles of a network's layers: forward, backward, and gradients.

Parameters lie in one flat array P, as `layout` lays them. The first layer's weights, of which only
those are touched whose inputs are not zero, are `first_layer`'s.
"""

from collections.abc import Callable
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
from gdexp.engines.compiled.memory import load, pointer, store, zero
from gdexp.engines.compiled.reading import read_only
from gdexp.engines.compiled.simd import (
    LANES,
    add,
    fma,
    head,
    less_one_at,
    multiply_add,
    quarters,
    scale,
    sums,
)

SIGMOID, TANH, RELU, SOFTMAX = (KINDS[name] for name in ("sigmoid", "tanh", "relu", "softmax"))
QUADRATIC = 0  # 1 is cross-entropy
CHUNK = 128  # most examples that are fed forward before their gradients are gathered

_entry: Any = njit(cache=True, nogil=True, error_model="numpy")
# What only compiled code calls: a quarter of the time to compile goes into ways from elsewhere.
jit: Any = njit(
    cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)


def jit_entry(function: Callable[..., Any]) -> Any:
    """Compile what Python calls; where that has been done before, what there is is read."""
    return read_only(_entry(function))


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
def four_dots(P, r, step, h, A, a):
    """Give four sums of P[r + j step + k] A[a + k] over k, each in four parts: see `quarters`.

    Four at a time, and not more: they fit into 16 registers of half of LANES.
    """
    s, t, u, v = zero(P), zero(P), zero(P), zero(P)
    for k in range(0, h, LANES):
        q, other = load(A, a + k), r + k + 2 * step
        s = multiply_add(load(P, r + k), q, s)
        t = multiply_add(load(P, r + k + step), q, t)
        u = multiply_add(load(P, other), q, u)
        v = multiply_add(load(P, other + step), q, v)
    return quarters(s, t, u, v)


@jit
def later_layer(P, net, l, A, a, Z, z, room, held):
    """Z[z + j] = b[j] + Σ_k w[j, k] A[a + k]: weighted inputs of a layer behind the first."""
    h = net.h[l]
    for o in range(0, held * room, room):
        for j in range(0, net.h[l + 1], LANES):
            r = net.w[l] + j * h
            s = four_dots(P, r, 4 * h, h, A, o + a)
            t = four_dots(P, r + h, 4 * h, h, A, o + a)
            u = four_dots(P, r + 2 * h, 4 * h, h, A, o + a)
            v = four_dots(P, r + 3 * h, 4 * h, h, A, o + a)
            store(Z, o + z + j, add(load(P, net.b[l] + j), sums(s, t, u, v)))


@jit
def combine(P, w, h, n, D, d, to, room, held):
    """D[to:][:h] = Σ_j D[d + j] P[w + j h :][:h]: errors back through a layer's weights.

    Two examples share each row of weights; the last one, where it is alone, goes with itself.
    """
    for e in range(0, held, 2):
        o, q = e * room, min(e + 1, held - 1) * room
        for t in range(0, h, LANES):
            a, b, c, f, r = zero(P), zero(P), zero(P), zero(P), w + t
            for j in range(d, d + n, 2):  # beyond an odd n lie zeros
                u, v = load(P, r), load(P, r + h)
                a, b = fma(D[o + j], u, a), fma(D[q + j], u, b)
                c, f = fma(D[o + j + 1], v, c), fma(D[q + j + 1], v, f)
                r += 2 * h
            store(D, o + to + t, add(a, c))
            store(D, q + to + t, add(b, f))


@jit
def activate(kind, Z, A, o, n, h, room, held):
    """A[o:][:n] = the activations of weighted inputs Z[o:][:n] of all examples; padding becomes 0.

    Not in place: of "here zero, else as it was" LLVM makes a masked store, which takes AMD's
    processors several times as long.
    """
    for at in range(o, o + held * room, room):
        if kind == SIGMOID:
            for t in range(0, h, LANES):
                store(A, at + t, head(sigmoid(load(Z, at + t)), n - t))
        elif kind == TANH:
            for t in range(0, h, LANES):
                store(A, at + t, head(tanh(load(Z, at + t)), n - t))
        elif kind == RELU:
            for t in range(0, h, LANES):
                store(A, at + t, head(relu(load(Z, at + t)), n - t))
        elif kind == SOFTMAX:
            softmax(Z, A, at, n, h)
        else:
            for t in range(0, h, LANES):
                store(A, at + t, head(load(Z, at + t), n - t))


@jit
def softmax(Z, A, o, n, h):
    """A[o:][:n] = the softmax of Z[o:][:n]; padding becomes zero."""
    top, whole = Z[o], Z[o] - Z[o]
    for t in range(o, o + n):
        top = max(top, Z[t])
    for t in range(0, h, LANES):
        store(A, o + t, head(exp_less(load(Z, o + t), top), n - t))
    for t in range(o, o + n):
        whole += A[t]
    for t in range(o, o + n):
        A[t] /= whole


@jit
def forward(P, net, Z, A, room, held):
    """Feed examples forward, from z of the first layer on, layer by layer.

    Weighted inputs of layer l + 1 of example e are Z[e room + l pitch :], activations A of it.
    """
    for l in range(net.layers):
        at = l * net.pitch
        if l > 0:
            later_layer(P, net, l, A, at - net.pitch, Z, at, room, held)
        activate(net.kinds[l], Z, A, at, net.n[l + 1], net.h[l + 1], room, held)


@jit
def through(kind, A, D, o, n, h, room, held):
    """Turn ∇_a C, in D[o:][:n], into δ = ∂C/∂z, given the activations A[o:][:n]."""
    for at in range(o, o + held * room, room):
        if kind == SIGMOID:
            for t in range(at, at + h, LANES):
                store(D, t, sigmoid_back(load(A, t), load(D, t)))
        elif kind == TANH:
            for t in range(at, at + h, LANES):
                store(D, t, tanh_back(load(A, t), load(D, t)))
        elif kind == RELU:
            for t in range(at, at + h, LANES):
                store(D, t, relu_back(load(A, t), load(D, t)))
        elif kind == SOFTMAX:
            mean = D[at] - D[at]
            for j in range(at, at + n):
                mean += D[j] * A[j]
            for j in range(at, at + n):
                D[j] = A[j] * (D[j] - mean)


@jit
def backward(P, net, labels, A, D, room, held, eta):
    """D[e room + l pitch :] = -eta δ of layer l + 1 of example e, from the last to the first."""
    last = net.layers - 1
    n, h, o = net.n[last + 1], net.h[last + 1], last * net.pitch
    for e in range(held):
        at = e * room + o
        for t in range(0, h, LANES):
            store(D, at + t, scale(-eta, less_one_at(load(A, at + t), labels[e] - t)))
    if net.cost == QUADRATIC:
        through(net.kinds[last], A, D, o, n, h, room, held)
    for l in range(last, 0, -1):
        o = (l - 1) * net.pitch
        combine(P, net.w[l], net.h[l], net.n[l + 1], D, o + net.pitch, o, room, held)
        through(net.kinds[l - 1], A, D, o, net.n[l], net.h[l], room, held)


@jit
def gather(Q, net, A, D, room, held):
    """Q += -eta times the gradients of examples, but for the first layer's weights."""
    for l in range(net.layers):
        d = l * net.pitch
        for t in range(0, net.h[l + 1], LANES):
            q = load(Q, net.b[l] + t)
            for o in range(d + t, d + t + held * room, room):
                q = add(q, load(D, o))
            store(Q, net.b[l] + t, q)
        if l > 0:
            plus_outer(Q, net.w[l], net.h[l], net.n[l + 1], A, d - net.pitch, D, d, room, held)


@jit
def plus_outer(Q, w, h, n, A, a, D, d, room, held):
    """Q[w + j h :][:h] += Σ D[d + j] A[a:][:h] over examples: BP4 of a layer behind the first.

    Four rows at a time stay in registers while all examples are added; beyond n lie zeros.
    """
    for j in range(0, n, 4):
        for t in range(0, h, LANES):
            r, s = w + j * h + t, w + (j + 2) * h + t
            q0, q1, q2, q3 = load(Q, r), load(Q, r + h), load(Q, s), load(Q, s + h)
            for o in range(0, held * room, room):
                v, k = load(A, o + a + t), o + d + j
                q0, q1 = fma(D[k], v, q0), fma(D[k + 1], v, q1)
                q2, q3 = fma(D[k + 2], v, q2), fma(D[k + 3], v, q3)
            store(Q, r, q0)
            store(Q, r + h, q1)
            store(Q, s, q2)
            store(Q, s + h, q3)
