"""What the compiled engine compiles for other updates than plain ones: an epoch under any rule."""

from gdexp.engines.compiled.estimate import penalise, shorten
from gdexp.engines.compiled.first_layer import feed, inputs_at, learn
from gdexp.engines.compiled.kernels import CHUNK, backward, forward, gather, jit, net_at
from gdexp.engines.compiled.simd import flush_denormals, pointer, restore
from gdexp.engines.compiled.steps import step


@jit
def ruled_epoch(parameters, gradient, kept, net, inputs, order, m, etas, mean, recipe, t, work):
    """Go through the examples in `order`, m at a time, as the recipe has it, from update t on.

    `gradient` is zero before and after; `kept` is what the rule keeps of g and of g², where it does.
    All are laid out as the parameters are. `work` is as in `epoch`, and behind it LANES numbers in
    float64.
    """
    n, size = order.size, parameters.size
    P, Q, U, S = pointer(parameters), pointer(gradient), pointer(kept[0]), pointer(kept[1])
    shape, data, perm, sums = net_at(net), inputs_at(inputs), pointer(order), pointer(work[3])
    room = pointer(work[0]), pointer(work[1]), pointer(work[2])
    state = flush_denormals()
    for begin in range(0, n, m):
        held = min(m, n - begin)
        share = 1 / held if mean else 1.0
        rate = parameters.dtype.type(-share)
        sum_up(P, Q, shape, data, perm, n, begin, held, rate, room)
        if recipe.l1 > 0 or recipe.l2 > 0:
            penalise(P, Q, shape, held * share * recipe.l1, held * share * recipe.l2)
        shorten(Q, sums, size, recipe)
        step(P, Q, U, S, size, recipe, etas[begin // m], t + begin // m)
    restore(state)


@jit
def sum_up(P, Q, net, data, order, n, begin, count, rate, work):
    """Q += -rate Σ ∇C_x over the examples order[begin:][:count] of n."""
    A, D, labels = work
    room, first, end = (net.layers + 1) * net.pitch, net.pitch, begin + count
    for k in range(begin, end, CHUNK):
        held = min(CHUNK, end - k)
        feed(P, net, A, first, room, data, order, n, k, held)
        for e in range(held):
            labels[e] = data.labels[order[k + e]]
        forward(P, net, A, room, held)
        backward(P, net, labels, A, D, room, held, rate)
        learn(Q, net, D, first, room, data, order, k, held)
        gather(Q, net, A, D, room, held)
