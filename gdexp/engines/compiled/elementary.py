"""Elementary functions of explicit vectors: exp, and the activations that stand on it.

Polynomials of our own instead of a library's: they give the same bits on every processor.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gdexp.engines.compiled.layout import LANES
from gdexp.engines.compiled.simd import as_llvm, broadcast, fused, splat

INTS = {types.float32: ir.IntType(32), types.float64: ir.IntType(64)}

# e^z = 2^n e^r with n = round(z / ln 2) and |r| <= ln 2 / 2. ln 2 is subtracted in two parts, the
# first with so few bits that n times it is exact; e^r is its Taylor series, of which the first term
# left out is below half a unit in the last place.
_LIMIT = {types.float32: 87.0, types.float64: 708.0}  # 2^n stays a normal number
_TERMS = {types.float32: 7, types.float64: 13}
_BITS = {types.float32: (23, 127), types.float64: (52, 1023)}
_LN2_HIGH = {
    types.float32: float(np.float32(0.693359375)),
    types.float64: float.fromhex("0x1.62e42fee00000p-1"),
}
_LN2_LOW = {
    types.float32: -2.12194440e-4,
    types.float64: float.fromhex("0x1.a39ef35793c76p-33"),
}


def _exp(builder: Any, scalar: Any, z: Any) -> Any:
    kind, ints = as_llvm(scalar), ir.VectorType(INTS[scalar], LANES)
    low, high = splat(kind, -_LIMIT[scalar]), splat(kind, _LIMIT[scalar])
    z = builder.select(builder.fcmp_ordered("<", z, low), low, z)
    z = builder.select(builder.fcmp_ordered(">", z, high), high, z)
    # So large that the sum is rounded to a whole number, n, which stands in its lowest bits. A NaN
    # has no n; it comes through in the series.
    whole = splat(kind, 1.5 * 2.0 ** _BITS[scalar][0])
    turns = fused(builder, z, splat(kind, 1 / math.log(2)), whole)
    n = builder.fsub(turns, whole)
    r = fused(builder, n, splat(kind, -_LN2_HIGH[scalar]), z)
    r = fused(builder, n, splat(kind, -_LN2_LOW[scalar]), r)
    series = splat(kind, 1 / math.factorial(_TERMS[scalar]))
    for power in range(_TERMS[scalar] - 1, -1, -1):
        series = fused(builder, series, r, splat(kind, 1 / math.factorial(power)))
    shift, bias = _BITS[scalar]
    exponent = builder.shl(builder.bitcast(turns, ints), splat(ints, shift))
    power = builder.bitcast(builder.add(exponent, splat(ints, bias << shift)), kind)
    return builder.fmul(series, power)


@intrinsic
def sigmoid(typing: Any, vector: Any) -> Any:
    """1 / (1 + e^-z)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        e = _exp(builder, vector.scalar, builder.fneg(args[0]))
        one = splat(kind, 1.0)
        return builder.fdiv(one, builder.fadd(one, e))

    return vector(vector), code


@intrinsic
def tanh(typing: Any, vector: Any) -> Any:
    """1 - 2 / (1 + e^2z): its error is absolute, of one rounding of 1."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        e = _exp(builder, vector.scalar, builder.fadd(args[0], args[0]))
        one = splat(kind, 1.0)
        part = builder.fdiv(splat(kind, 2.0), builder.fadd(one, e))
        return builder.fsub(one, part)

    return vector(vector), code


@intrinsic
def relu(typing: Any, vector: Any) -> Any:
    """Give z where it is positive (or NaN), else 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zeros = splat(args[0].type, 0.0)
        return builder.select(builder.fcmp_ordered("<=", args[0], zeros), zeros, args[0])

    return vector(vector), code


@intrinsic
def exp_less(typing: Any, vector: Any, number: Any) -> Any:
    """Give e^(z - number)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = broadcast(builder, args[0].type, args[1])
        return _exp(builder, vector.scalar, builder.fsub(args[0], number))

    return vector(vector, vector.scalar), code


@intrinsic
def sigmoid_back(typing: Any, a: Any, nabla: Any) -> Any:
    """Give nabla a (1 - a): ∂C/∂z from ∂C/∂a, where a is the sigmoid of z."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rest = builder.fsub(splat(args[0].type, 1.0), args[0])
        return builder.fmul(args[1], builder.fmul(args[0], rest))

    return a(a, nabla), code


@intrinsic
def tanh_back(typing: Any, a: Any, nabla: Any) -> Any:
    """Give nabla (1 - a²)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slope = builder.fsub(splat(args[0].type, 1.0), builder.fmul(args[0], args[0]))
        return builder.fmul(args[1], slope)

    return a(a, nabla), code


@intrinsic
def relu_back(typing: Any, a: Any, nabla: Any) -> Any:
    """Give nabla where a is positive, else nabla 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one, nothing = (splat(args[0].type, value) for value in (1.0, 0.0))
        slope = builder.select(builder.fcmp_ordered(">", args[0], nothing), one, nothing)
        return builder.fmul(args[1], slope)

    return a(a, nabla), code
