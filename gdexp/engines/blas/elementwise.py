"""Activations as steps in place: forward, their slopes, and an error's way back through them."""

from functools import partial

import numpy as np
from scipy.special import expit

from gdexp.engines.blas.gemm import Array, Program

EXPIT_UP_TO = 350  # numbers; for more, NumPy's vectors outweigh that it takes four calls
SLOPED = ("sigmoid", "tanh", "relu")  # activations whose errors go back by a factor f'(z)


def takes_negative(name: str, a: Array) -> bool:
    """Say whether a = f(z) takes a step less from −z, as 1 / (1 + exp(−z)) does."""
    return name == "sigmoid" and a.size > EXPIT_UP_TO


def activate(name: str, z: Array, a: Array, negative: bool = False) -> Program:
    """Give the steps of a = f(z) for z, (k, m), one column an example; `a` may be `z` itself.

    Where it is `negative`, z holds −z; only for what `takes_negative`.
    """
    if name == "sigmoid":
        return _logistic(z, a) if negative else _sigmoid(z, a)
    if name == "tanh":
        return [partial(np.tanh, z, a)]
    if name == "relu":
        return [partial(np.maximum, z, _number(0, a), out=a)]
    if name == "softmax":
        return _softmax(z, a)
    return [] if a is z else [partial(np.copyto, a, z)]


def _sigmoid(z: Array, a: Array) -> Program:
    if z.size <= EXPIT_UP_TO:
        return [partial(expit, z, a)]
    return [partial(np.negative, z, a), *_logistic(a, a)]


def _logistic(negative: Array, a: Array) -> Program:
    return [
        partial(np.exp, negative, a),
        partial(np.add, a, _number(1, a), a),
        partial(np.reciprocal, a, a),
    ]


def _softmax(z: Array, a: Array) -> Program:
    of_column = np.empty_like(a[:1])  # (1, m)
    return [
        partial(np.maximum.reduce, z, 0, None, of_column, True),
        partial(np.subtract, z, of_column, a),  # at most 0: exp does not overflow
        partial(np.exp, a, a),
        partial(np.add.reduce, a, 0, None, of_column, True),
        partial(np.divide, a, of_column, a),
    ]


def slopes(name: str, a: Array, s: Array) -> Program:
    """Give the steps of s = f'(z), from a = f(z) of any shape, for an activation in `SLOPED`."""
    one = _number(1, a)
    if name == "sigmoid":
        return [partial(np.subtract, one, a, s), partial(np.multiply, s, a, s)]
    if name == "tanh":
        return [partial(np.multiply, a, a, s), partial(np.subtract, one, s, s)]
    return [partial(np.sign, a, s)]  # of relu: what it gives is never negative


def back(name: str, a: Array, s: Array, nabla_a: Array, delta: Array) -> Program:
    """Give the steps from ∇_a C to δ = ∂C/∂z, all (k, m); `delta` may be `nabla_a` itself.

    Where the activation is in `SLOPED`, `s` must hold its slopes; for softmax it is overwritten.
    """
    if name in SLOPED:
        return [partial(np.multiply, nabla_a, s, delta)]
    if name == "identity":
        return [] if delta is nabla_a else [partial(np.copyto, delta, nabla_a)]
    of_column = np.empty_like(a[:1])  # (1, m)
    return [
        partial(np.multiply, nabla_a, a, s),
        partial(np.add.reduce, s, 0, None, of_column, True),
        partial(np.subtract, nabla_a, of_column, delta),
        partial(np.multiply, delta, a, delta),
    ]


def _number(value: int, like: Array) -> Array:
    return np.array(value, like.dtype)  # (): an array is taken as it is, a number converted
