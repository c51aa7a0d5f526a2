"""What the compiled engine compiles: a whole epoch, and a measure of a whole set of examples."""

import math

import numpy as np

from gdexp.engines.compiled.encode import encode
from gdexp.engines.compiled.first_layer import Inputs, feed, inputs_at, learn
from gdexp.engines.compiled.kernels import (
    CHUNK,
    QUADRATIC,
    SIGMOID,
    Net,
    backward,
    forward,
    gather,
    jit,
    jit_entry,
    net_at,
)
from gdexp.engines.compiled.memory import load, pointer, store
from gdexp.engines.compiled.move import move
from gdexp.engines.compiled.recipe import BARE
from gdexp.engines.compiled.simd import LANES, add, flush_denormals, restore

__all__ = ["CHUNK", "Inputs", "Net", "chunk_of", "encode", "epoch", "measure"]


@jit_entry
def epoch(parameters, gradient, kept, net, inputs, order, m, etas, mean, recipe, t, work):
    """Go through the examples in `order`, m at a time, from update t on, with the rates `etas`.

    Plain steps of mini-batches of up to CHUNK examples, v → v − η (/ m) Σ ∇C_x, go straight into
    the parameters; the gradients of larger ones, and of other updates, are summed up in `gradient`,
    as large as the parameters, which is zero before and after. `kept` is what a rule keeps of g and
    of g², as large where it does. `work` holds activations, weighted inputs that become
    errors, and labels of a chunk of examples, and LANES numbers in float64.
    """
    n, chunk, room = order.size, chunk_of(m, order.size), net.layers * net.pitch
    P, A, D, labels = pointer(parameters), pointer(work[0]), pointer(work[1]), pointer(work[2])
    U, S, sums = pointer(kept[0]), pointer(kept[1]), pointer(work[3])
    shape, data, perm = net_at(net), inputs_at(inputs), pointer(order)
    bare = recipe.code == BARE
    direct = bare and m <= CHUNK
    Q = P if direct else pointer(gradient)
    state = flush_denormals()
    for begin in range(0, n, m):
        size = min(m, n - begin)
        eta = etas[begin // m]
        factor = eta if bare else -1.0
        rate = parameters.dtype.type(factor / size if mean else factor)
        for k in range(begin, begin + size, chunk):
            held = min(chunk, begin + size - k)
            feed(P, shape, D, room, data, perm, n, k, held)
            for e in range(held):
                labels[e] = data.labels[perm[k + e]]
            forward(P, shape, D, A, room, held)
            backward(P, shape, labels, A, D, room, held, rate)
            learn(Q, shape, D, room, data, perm, k, held)
            gather(Q, shape, A, D, room, held)
        if not bare:
            examples = 1.0 if mean else np.float64(size)
            move(P, Q, U, S, sums, shape, parameters.size, recipe, examples, eta, t + begin // m)
        elif not direct:
            for k in range(0, parameters.size, LANES):
                store(P, k, add(load(P, k), load(Q, k)))
            gradient[:] = 0
    restore(state)


@jit_entry
def chunk_of(m, n):
    """How many examples are fed forward before their gradients are gathered."""
    return min(m, max(n, 1), CHUNK)


@jit
def cost_of(net, Z, A, o, label):
    """C_x in float64, from the activations and, for cross-entropy, from the weighted inputs."""
    last = net.layers - 1
    o, n, cost = o + last * net.pitch, net.n[last + 1], 0.0
    if net.cost == QUADRATIC:
        for j in range(n):
            error = np.float64(A[o + j]) - (1.0 if j == label else 0.0)
            cost += 0.5 * error * error
    elif net.kinds[last] == SIGMOID:
        for j in range(n):
            z = np.float64(Z[o + j])
            cost += max(z, 0.0) + math.log1p(math.exp(-abs(z))) - (z if j == label else 0.0)
    else:
        top = np.float64(Z[o])
        for j in range(n):
            top = max(top, np.float64(Z[o + j]))
        for j in range(n):
            cost += math.exp(np.float64(Z[o + j]) - top)
        cost = math.log(cost) + top - np.float64(Z[o + label])
    return cost


@jit_entry
def measure(parameters, net, inputs, order, work):
    """Give Σ C_x over the examples of `order`, and how many of them are classified rightly."""
    P, A, Z = pointer(parameters), pointer(work[0]), pointer(work[1])
    shape, data, perm = net_at(net), inputs_at(inputs), pointer(order)
    cost, correct, n, room = 0.0, 0, order.size, net.layers * net.pitch
    state = flush_denormals()
    for k in range(0, n, CHUNK):
        held = min(CHUNK, n - k)
        feed(P, shape, Z, room, data, perm, n, k, held)
        forward(P, shape, Z, A, room, held)
        for e in range(held):
            label, a = data.labels[perm[k + e]], e * room + (shape.layers - 1) * shape.pitch
            cost += cost_of(shape, Z, A, e * room, label)
            best = 0
            for j in range(1, shape.n[shape.layers]):
                if A[a + j] > A[a + best]:
                    best = j
            correct += best == label
    restore(state)
    return cost, correct
