"""Explicit vectors for Numba: 16 numbers that are computed with at once.

LLVM maps a vector onto what the processor has (AVX-512: one or two registers, AVX2: two or four).
Every operation is exactly rounded (IEEE 754), fused only where `fma` says so, and in a fixed order:
results do not depend on the width of the registers. That is why there is no fastmath here, and why
`exp` is a polynomial of our own instead of a library's.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from gdexp.engines.layout import LANES


class VectorType(types.Type):
    """The type of a vector of `LANES` float32 or float64."""

    def __init__(self, scalar: Any) -> None:
        self.scalar = scalar
        super().__init__(name=f"Vector({scalar}, {LANES})")


VECTORS = {scalar: VectorType(scalar) for scalar in (types.float32, types.float64)}
FLOATS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
INTS = {types.float32: ir.IntType(32), types.float64: ir.IntType(64)}


def _llvm(scalar: Any) -> Any:
    return ir.VectorType(FLOATS[scalar], LANES)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: VectorType) -> None:
        super().__init__(dmm, fe_type, _llvm(fe_type.scalar))


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    at = builder.gep(args[0], [args[1]])
    return builder.bitcast(at, _llvm(signature.args[0].dtype).as_pointer())


def _intrinsic(builder: Any, name: str, result: Any, *args: Any) -> Any:
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def _fma(builder: Any, x: Any, y: Any, z: Any) -> Any:
    suffix = "f32" if isinstance(x.type.element, ir.FloatType) else "f64"
    return _intrinsic(builder, f"llvm.fma.v{LANES}{suffix}", x.type, x, y, z)


def _splat(kind: Any, value: Any) -> Any:
    return ir.Constant(kind, [ir.Constant(kind.element, value)] * LANES)


def _broadcast(builder: Any, kind: Any, number: Any) -> Any:
    lane, nothing = ir.IntType(32), ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(lane, 0))
    zeros = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
    return builder.shuffle_vector(first, nothing, zeros)


@intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """Give where an array's numbers lie: an index into it is neither checked nor counted.

    It keeps nothing alive: whoever calls the compiled function holds the array.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), code


@intrinsic
def load(typing: Any, array: Any, at: Any) -> Any:
    """Read LANES numbers, from array[at] on."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = signature.args[0].dtype.bitwidth // 8
        return builder.load(_pointer(context, builder, signature, args), align=size)

    return VECTORS[array.dtype](array, types.intp), code


@intrinsic
def store(typing: Any, array: Any, at: Any, vector: Any) -> Any:
    """Write LANES numbers, from array[at] on."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = signature.args[0].dtype.bitwidth // 8
        builder.store(args[2], _pointer(context, builder, signature, args), align=size)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), code


@intrinsic
def prefetch(typing: Any, array: Any, at: Any) -> Any:
    """Ask for array[at] to be brought near; it may lie beyond the end."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.gep(args[0], [args[1]])
        byte = builder.bitcast(at, ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)  # for reading, to be kept, data
        hints = [ir.Constant(i32, 0), ir.Constant(i32, 3), ir.Constant(i32, 1)]
        _intrinsic(builder, "llvm.prefetch.p0", ir.VoidType(), byte, *hints)
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def fma(typing: Any, x: Any, u: Any, v: Any) -> Any:
    """Give x u + v of a number x and vectors u, v, rounded once."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fma(builder, _broadcast(builder, args[1].type, args[0]), args[1], args[2])

    return u(u.scalar, u, v), code


@intrinsic
def multiply_add(typing: Any, u: Any, v: Any, w: Any) -> Any:
    """Give u v + w of vectors, rounded once."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fma(builder, *args)

    return u(u, v, w), code


@intrinsic
def add(typing: Any, u: Any, v: Any) -> Any:
    """Give u + v."""
    return u(u, v), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """Give the sum of the lanes, as a fixed tree: halves onto halves."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, lanes = args[0], ir.VectorType(ir.IntType(32), LANES)
        for half in (8, 4, 2, 1):
            turned = ir.Constant(lanes, [(lane + half) % LANES for lane in range(LANES)])
            v = builder.fadd(v, builder.shuffle_vector(v, v, turned))
        return builder.extract_element(v, ir.Constant(ir.IntType(32), 0))

    return vector.scalar(vector), code


@intrinsic
def zero(typing: Any, array: Any) -> Any:
    """Give a vector of zeros, of the type that an array or pointer holds."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(_llvm(signature.args[0].dtype), 0.0)

    return VECTORS[array.dtype](array), code


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
    kind, ints = _llvm(scalar), ir.VectorType(INTS[scalar], LANES)
    suffix = f"v{LANES}f{scalar.bitwidth}"
    low, high = _splat(kind, -_LIMIT[scalar]), _splat(kind, _LIMIT[scalar])
    z = builder.select(builder.fcmp_ordered("<", z, low), low, z)
    z = builder.select(builder.fcmp_ordered(">", z, high), high, z)
    turns = builder.fmul(z, _splat(kind, 1 / math.log(2)))
    n = _intrinsic(builder, f"llvm.rint.{suffix}", kind, turns)
    r = _fma(builder, n, _splat(kind, -_LN2_HIGH[scalar]), z)
    r = _fma(builder, n, _splat(kind, -_LN2_LOW[scalar]), r)
    series = _splat(kind, 1 / math.factorial(_TERMS[scalar]))
    for power in range(_TERMS[scalar] - 1, -1, -1):
        series = _fma(builder, series, r, _splat(kind, 1 / math.factorial(power)))
    # A NaN has no n; it comes through in the series.
    n = builder.select(builder.fcmp_ordered("ord", n, n), n, _splat(kind, 0.0))
    shift, bias = _BITS[scalar]
    exponent = builder.add(builder.fptosi(n, ints), _splat(ints, bias))
    return builder.fmul(series, builder.bitcast(builder.shl(exponent, _splat(ints, shift)), kind))


@intrinsic
def sigmoid(typing: Any, vector: Any) -> Any:
    """1 / (1 + e^-z)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        e = _exp(builder, vector.scalar, builder.fneg(args[0]))
        one = _splat(kind, 1.0)
        return builder.fdiv(one, builder.fadd(one, e))

    return vector(vector), code


@intrinsic
def tanh(typing: Any, vector: Any) -> Any:
    """1 - 2 / (1 + e^2z): its error is absolute, of one rounding of 1."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        e = _exp(builder, vector.scalar, builder.fadd(args[0], args[0]))
        one = _splat(kind, 1.0)
        part = builder.fdiv(_splat(kind, 2.0), builder.fadd(one, e))
        return builder.fsub(one, part)

    return vector(vector), code


@intrinsic
def relu(typing: Any, vector: Any) -> Any:
    """Give z where it is positive (or NaN), else 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zeros = _splat(args[0].type, 0.0)
        return builder.select(builder.fcmp_ordered("<=", args[0], zeros), zeros, args[0])

    return vector(vector), code


@intrinsic
def exp_less(typing: Any, vector: Any, number: Any) -> Any:
    """Give e^(z - number)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = _broadcast(builder, args[0].type, args[1])
        return _exp(builder, vector.scalar, builder.fsub(args[0], number))

    return vector(vector, vector.scalar), code
