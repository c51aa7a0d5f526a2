"""Rules as loops over all parameters P: g lies in Q, which is left zero; memory lies in U and S.

A parameter moves even where its gradient is zero, since what was kept of others moves it. So do no
others than those of the layout: padding has no gradient and no memory, and stays zero.
"""

from gdexp.engines.compiled.arithmetic import divide, more, root
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.memory import load, store, zero
from gdexp.engines.compiled.recipe import CORRECTED, HEAVY, ROOTED
from gdexp.engines.compiled.simd import LANES, add, fma, multiply_add, scale


@jit
def step(P, Q, U, S, size, recipe, eta, t):
    """Move all parameters by update number t: v → v + Δv."""
    if recipe.code == HEAVY:
        heavy(P, Q, U, size, recipe, eta)
    elif recipe.code == ROOTED:
        rooted(P, Q, S, size, recipe, eta)
    elif recipe.code == CORRECTED:
        corrected(P, Q, U, S, size, recipe, eta, t)
    else:
        straight(P, Q, size, eta)


@jit
def straight(P, Q, size, eta):
    """Δv = −η g."""
    for k in range(0, size, LANES):
        store(P, k, fma(-eta, load(Q, k), load(P, k)))
        store(Q, k, zero(Q))


@jit
def heavy(P, Q, U, size, recipe, eta):
    """U ← keep u + g; Δv = −η (lean g + pull u)."""
    lean, pull = -eta * recipe.lean, -eta * recipe.pull
    for k in range(0, size, LANES):
        g = load(Q, k)
        u = fma(recipe.keep, load(U, k), g)
        store(U, k, u)
        store(P, k, fma(lean, g, fma(pull, u, load(P, k))))
        store(Q, k, zero(Q))


@jit
def squares(S, k, recipe, g):
    """Give s, and keep it: s ← keep2 s + take2 g²."""
    s = multiply_add(scale(recipe.take2, g), g, scale(recipe.keep2, load(S, k)))
    store(S, k, s)
    return s


@jit
def rooted(P, Q, S, size, recipe, eta):
    """Δv = −η g / (√s + ε)."""
    for k in range(0, size, LANES):
        g = load(Q, k)
        below = more(recipe.epsilon, root(squares(S, k, recipe, g)))
        store(P, k, add(load(P, k), divide(scale(-eta, g), below)))
        store(Q, k, zero(Q))


@jit
def corrected(P, Q, M, S, size, recipe, eta, t):
    """M ← keep m + (1 − keep) g; Δv = −η (m / c) / (√(s / c2) + ε) − η decay v.

    c and c2 are 1 less the t-th power of keep and keep2.
    """
    rate = -eta / (1 - power(recipe.keep, t))
    decay, widened = -eta * recipe.decay, 1 / (1 - power(recipe.keep2, t))
    for k in range(0, size, LANES):
        g, v = load(Q, k), load(P, k)
        m = fma(recipe.keep, load(M, k), scale(1 - recipe.keep, g))
        store(M, k, m)
        below = more(recipe.epsilon, root(scale(widened, squares(S, k, recipe, g))))
        store(P, k, add(v, fma(decay, v, divide(scale(rate, m), below))))
        store(Q, k, zero(Q))


@jit
def power(base, t):
    """Give base^t by products alone: libraries' powers differ from processor to processor."""
    result = 1.0
    while t > 0:
        if t % 2:
            result *= base
        base, t = base * base, t // 2
    return result
