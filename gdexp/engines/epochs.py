"""What the compiled engine compiles: a whole epoch, and a measure of a whole set of examples."""

import math

import numpy as np

from gdexp.engines.kernels import (
    QUADRATIC,
    SIGMOID,
    Inputs,
    Net,
    backward,
    call_for,
    forward,
    gather,
    inputs_at,
    jit,
    net_at,
)
from gdexp.engines.simd import LANES, add, load, pointer, store

__all__ = ["Inputs", "Net", "chunk_of", "epoch", "measure"]

DIRECT = 128  # largest mini-batch whose updates go straight into the parameters
CHUNK = 8  # examples whose inputs stay in the nearest cache, for larger ones


@jit
def epoch(parameters, gradient, net, inputs, order, m, eta, mean, work):
    """Go through the examples in `order`, m at a time: v → v − η (/ m) Σ ∇C_x.

    The gradient, as large as the parameters, is summed up for mini-batches of more than DIRECT
    examples; smaller ones go straight into the parameters. `work` holds activations and errors of
    a chunk of examples, and the numbers from 0 on.
    """
    n, chunk, room = order.size, chunk_of(m, order.size), (net.layers + 1) * net.pitch
    P, G, A, D, io = (
        pointer(parameters),
        pointer(gradient),
        pointer(work[0]),
        pointer(work[1]),
        pointer(work[2]),
    )
    shape, data, perm = net_at(net), inputs_at(inputs), pointer(order)
    for begin in range(0, n, m):
        size = min(m, n - begin)
        scale = parameters.dtype.type(-eta / size if mean else -eta)
        Q = P if m <= DIRECT else G
        if m > DIRECT:
            gradient[:] = 0
        for k in range(begin, begin + size, chunk):
            held = min(chunk, begin + size - k)
            for e in range(held):
                call_for(data, perm[min(k + e + 1, n - 1)])
                forward(P, shape, data, perm[k + e], A, e * room, io)
                backward(P, shape, data.labels[perm[k + e]], A, D, e * room, scale)
            for e in range(held):
                gather(Q, shape, data, perm[k + e], A, D, e * room, io)
        if m > DIRECT:
            for t in range(0, parameters.size, LANES):
                store(P, t, add(load(P, t), load(G, t)))


@jit
def chunk_of(m, n):
    """How many examples are fed forward before their gradients are gathered."""
    return min(m, max(n, 1)) if m <= DIRECT else CHUNK


@jit
def cost_of(net, A, o, label):
    """C_x in float64, from the activations and, for cross-entropy, from the weighted inputs."""
    last = net.layers - 1
    a, n, cost = o + (last + 1) * net.pitch, net.n[last + 1], 0.0
    if net.cost == QUADRATIC:
        for j in range(n):
            error = np.float64(A[a + j]) - (1.0 if j == label else 0.0)
            cost += 0.5 * error * error
    elif net.kinds[last] == SIGMOID:
        for j in range(n):
            z = np.float64(A[o + j])
            cost += max(z, 0.0) + math.log1p(math.exp(-abs(z))) - (z if j == label else 0.0)
    else:
        top = np.float64(A[o])
        for j in range(n):
            top = max(top, np.float64(A[o + j]))
        for j in range(n):
            cost += math.exp(np.float64(A[o + j]) - top)
        cost = math.log(cost) + top - np.float64(A[o + label])
    return cost


@jit
def measure(parameters, net, inputs, work):
    """Give Σ C_x over all examples, and how many of them are classified rightly."""
    P, A, io = pointer(parameters), pointer(work[0]), pointer(work[2])
    shape, data = net_at(net), inputs_at(inputs)
    a, cost, correct = shape.layers * shape.pitch, 0.0, 0
    for i in range(data.size):
        call_for(data, min(i + 1, data.size - 1))
        forward(P, shape, data, i, A, 0, io)
        cost += cost_of(shape, A, 0, data.labels[i])
        best = 0
        for j in range(1, shape.n[shape.layers]):
            if A[a + j] > A[a + best]:
                best = j
        correct += best == data.labels[i]
    return cost, correct
