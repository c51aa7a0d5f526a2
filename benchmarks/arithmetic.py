"""How many multiply-adds a core does in a second, in float32: by vectors, and by BLAS."""

from collections.abc import Callable

import numpy as np

from gdexp.engines.compiled.engine import load_kernels

load_kernels()  # so that Numba's cache has a folder that can be written

from gdexp.engines.compiled.kernels import jit_entry  # noqa: E402
from gdexp.engines.compiled.memory import load, pointer, store  # noqa: E402
from gdexp.engines.compiled.simd import LANES, add, multiply_add  # noqa: E402

SUMS, TURNS, SIDE = 12, 2_000_000, 2048


@jit_entry
def turn(numbers, turns):
    """Add to twelve independent sums: more than a core can have under way at once.

    They begin with different numbers, so that the compiler cannot make one of two. Where registers
    hold half of LANES it is twice as many.
    """
    N = pointer(numbers)
    u, v = load(N, 12 * LANES), load(N, 13 * LANES)
    a, b, c = load(N, 0), load(N, LANES), load(N, 2 * LANES)
    d, e, f = load(N, 3 * LANES), load(N, 4 * LANES), load(N, 5 * LANES)
    g, h, i = load(N, 6 * LANES), load(N, 7 * LANES), load(N, 8 * LANES)
    j, k, l = load(N, 9 * LANES), load(N, 10 * LANES), load(N, 11 * LANES)
    for _ in range(turns):
        a, b, c = multiply_add(a, u, v), multiply_add(b, u, v), multiply_add(c, u, v)
        d, e, f = multiply_add(d, u, v), multiply_add(e, u, v), multiply_add(f, u, v)
        g, h, i = multiply_add(g, u, v), multiply_add(h, u, v), multiply_add(i, u, v)
        j, k, l = multiply_add(j, u, v), multiply_add(k, u, v), multiply_add(l, u, v)
    some = add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)))
    store(N, 0, add(some, add(add(i, j), add(k, l))))


@jit_entry
def turn_six(numbers, turns):
    """Add to six sums: twelve spill where there are only 16 registers of half of LANES."""
    N = pointer(numbers)
    u, v = load(N, 12 * LANES), load(N, 13 * LANES)
    a, b, c = load(N, 0), load(N, LANES), load(N, 2 * LANES)
    d, e, f = load(N, 3 * LANES), load(N, 4 * LANES), load(N, 5 * LANES)
    for _ in range(turns):
        a, b, c = multiply_add(a, u, v), multiply_add(b, u, v), multiply_add(c, u, v)
        d, e, f = multiply_add(d, u, v), multiply_add(e, u, v), multiply_add(f, u, v)
    store(N, 0, add(add(add(a, b), add(c, d)), add(e, f)))


def programs() -> dict[str, tuple[float, Callable[[], object]]]:
    """Give what measures the rate: the multiply-adds of a call, and the call, by name."""
    numbers = np.linspace(0.5, 0.9, 14 * LANES, dtype=np.float32)
    x, y = (np.full((SIDE, SIDE), value, np.float32) for value in (0.5, 0.25))
    out = np.empty_like(x)
    return {
        "twelve vectors": (SUMS * LANES * TURNS, lambda: turn(numbers, TURNS)),
        "six vectors": (SUMS / 2 * LANES * TURNS, lambda: turn_six(numbers, TURNS)),
        f"sgemm, {SIDE} x {SIDE}": (SIDE**3, lambda: np.matmul(x, y, out=out)),
    }
