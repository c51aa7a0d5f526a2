"""Matrix products bound to their arguments, done in place by SciPy's BLAS or NumPy's."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

Array = NDArray[Any]
Step = Callable[[], object]  # a call with all of its arguments bound: nothing is left to look up
Program = list[Step]

GEMM = {np.dtype(np.float32): blas.sgemm, np.dtype(np.float64): blas.dgemm}
GEMV = {np.dtype(np.float32): blas.sgemv, np.dtype(np.float64): blas.dgemv}
GER = {np.dtype(np.float32): blas.sger, np.dtype(np.float64): blas.dger}

LANES = 16  # numbers in a vector of float32
FEW = 20  # rows of a matrix, up to which `ger` is faster whatever their length


def gemm(c: Array, a: Array, b: Array, alpha: float = 1.0, beta: float = 0.0) -> Step:
    """Bind C ← alpha A B + beta C.

    A call costs 0.3 µs besides the arithmetic, less than `np.matmul`, which also cannot add to C.
    What is a product with a vector, or of two, is left to the routine for those, which takes a
    quarter of the time of `gemm` where the matrix is large.

    Parameters
    ----------
    c, a, b : ndarray, shapes (p, q), (p, r) and (r, q)
        Of one dtype; each lies row by row in memory, or column by column. C is overwritten.
    alpha, beta : float

    Returns
    -------
    callable
        Computes, each time it is called, from what the arrays hold then.
    """
    if not c.flags.c_contiguous:
        return gemm(c.T, b.T, a.T, alpha, beta)
    assert a.dtype == b.dtype == c.dtype
    if b.shape[1] == 1:
        return _gemv(c[:, 0], a, b[:, 0], alpha, beta)
    if b.shape[0] == 1 and beta == 1 and _suits_ger(c):
        return _ger(c, a[:, 0], b[0], alpha)
    # BLAS goes by columns: it sees Cᵀ = Bᵀ Aᵀ. A transpose is a view, so nothing is copied.
    (first, turn_first), (second, turn_second) = _operand(b), _operand(a)
    call = partial(GEMM[c.dtype], c=c.T, trans_a=turn_first, trans_b=turn_second, overwrite_c=1)
    # f2py would silently copy an array that does not suit. This call leaves C as it is.
    assert np.shares_memory(call(0.0, first, second, 1.0), c)
    return partial(
        GEMM[c.dtype], alpha, first, second, beta, c.T, turn_first, turn_second, 1
    )  # by position: faster than by name


def _gemv(c: Array, a: Array, b: Array, alpha: float, beta: float) -> Step:
    """Bind c ← alpha A b + beta c for vectors."""
    matrix, turn = _operand(a)
    rest = (b, beta, c, 0, 1, 0, 1, 1 - turn, 1)
    assert np.shares_memory(GEMV[c.dtype](0.0, matrix, b, 1.0, *rest[2:]), c)
    return partial(GEMV[c.dtype], alpha, matrix, *rest)


def _suits_ger(c: Array) -> bool:
    """Say whether `ger` is faster: it goes row by row, and is slow at what fills no vector."""
    return len(c) <= FEW or c.shape[1] % LANES == 0


def _ger(c: Array, a: Array, b: Array, alpha: float) -> Step:
    """Bind C ← alpha a bᵀ + C for vectors; C lies row by row."""
    rest = (b, a, 1, 1, c.T, 1, 1, 1)
    assert np.shares_memory(GER[c.dtype](0.0, *rest), c)
    return partial(GER[c.dtype], alpha, *rest)


def dot(c: Array, a: Array, b: Array) -> Step:
    """Bind C ← A B by NumPy's BLAS, where C lies row by row.

    NumPy 2.4 brings a newer OpenBLAS than SciPy 1.17: a product of the first layer takes a tenth
    less, and a third less of few examples. But it knows no alpha and beta, and a call costs 0.3 µs
    more. Binding computes once already, so C is overwritten then.
    """
    call = partial(np.dot, a, b, c)
    call()  # raises ValueError where C does not suit
    return call


def _operand(a: Array) -> tuple[Array, int]:
    """Give what BLAS takes for aᵀ, and whether BLAS is to transpose it."""
    assert a.flags.c_contiguous or a.flags.f_contiguous
    return (a.T, 0) if a.flags.c_contiguous else (a, 1)


def run(program: Program) -> None:
    """Take all steps."""
    for step in program:
        step()
