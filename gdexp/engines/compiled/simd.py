"""Explicit vectors for Numba: 16 numbers that are computed with at once.

LLVM maps a vector onto what the processor has (AVX-512: one or two registers, AVX2: two or four).
Every operation is exactly rounded (IEEE 754), fused only where `fma` says so, and in a fixed order:
results do not depend on the width of the registers. That is why there is no fastmath here.
"""

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from gdexp.engines.compiled.layout import LANES

IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


class VectorType(types.Type):
    """The type of a vector of `LANES` float32 or float64."""

    def __init__(self, scalar: Any) -> None:
        self.scalar = scalar
        super().__init__(name=f"Vector({scalar}, {LANES})")


VECTORS = {scalar: VectorType(scalar) for scalar in (types.float32, types.float64)}
FLOATS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


def as_llvm(scalar: Any) -> Any:
    """Give LLVM's type of a vector of these numbers."""
    return ir.VectorType(FLOATS[scalar], LANES)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: VectorType) -> None:
        super().__init__(dmm, fe_type, as_llvm(fe_type.scalar))


def call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Give x y + z of vectors, rounded once."""
    suffix = "f32" if isinstance(x.type.element, ir.FloatType) else "f64"
    return call(builder, f"llvm.fma.v{LANES}{suffix}", x.type, x, y, z)


def splat(kind: Any, value: Any) -> Any:
    """Give a constant in every lane."""
    return ir.Constant(kind, [ir.Constant(kind.element, value)] * LANES)


def broadcast(builder: Any, kind: Any, number: Any) -> Any:
    """Give a number in every lane."""
    lane, nothing = ir.IntType(32), ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(lane, 0))
    zeros = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
    return builder.shuffle_vector(first, nothing, zeros)


@intrinsic
def fma(typing: Any, x: Any, u: Any, v: Any) -> Any:
    """Give x u + v of a number x and vectors u, v, rounded once."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, broadcast(builder, args[1].type, args[0]), args[1], args[2])

    return u(u.scalar, u, v), code


@intrinsic
def multiply_add(typing: Any, u: Any, v: Any, w: Any) -> Any:
    """Give u v + w of vectors, rounded once."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, *args)

    return u(u, v, w), code


@intrinsic
def add(typing: Any, u: Any, v: Any) -> Any:
    """Give u + v."""
    return u(u, v), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def scale(typing: Any, x: Any, v: Any) -> Any:
    """Give x v of a number and a vector."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(broadcast(builder, args[1].type, args[0]), args[1])

    return v(v.scalar, v), code


@intrinsic
def head(typing: Any, vector: Any, count: Any) -> Any:
    """Give the first `count` lanes, and zeros behind."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kept = _lanes(builder, "<", args[1])
        return builder.select(kept, args[0], splat(args[0].type, 0.0))

    return vector(vector, types.intp), code


def _lanes(builder: Any, relation: str, number: Any) -> Any:
    """Compare the lanes' numbers, from 0 on, in 32 bits: as many as those of a float32."""
    lanes = ir.VectorType(ir.IntType(32), LANES)
    numbers = ir.Constant(lanes, list(range(LANES)))
    other = broadcast(builder, lanes, builder.trunc(number, lanes.element))
    return builder.icmp_signed(relation, numbers, other)


@intrinsic
def less_one_at(typing: Any, vector: Any, lane: Any) -> Any:
    """Give the vector, less 1 in one lane, where there is such a lane."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        there = _lanes(builder, "==", args[1])
        less = builder.fsub(args[0], splat(args[0].type, 1.0))
        return builder.select(there, less, args[0])

    return vector(vector, types.intp), code


@intrinsic
def quarters(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Sum up the lanes of four vectors, as a fixed tree, until each has four left, side by side."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b, c, d = args
        return _fold(builder, _fold(builder, a, c, 8), _fold(builder, b, d, 8), 4)

    return a(a, b, c, d), code


@intrinsic
def sums(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Finish the sums of four `quarters`: lane 4 i + j is the sum of the i-th of the j-th's."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b, c, d = args
        return _fold(builder, _fold(builder, a, c, 2), _fold(builder, b, d, 2), 1)

    return a(a, b, c, d), code


def _fold(builder: Any, u: Any, v: Any, part: int) -> Any:
    """Add the halves of every block of 2 `part` lanes: u's sums come first, then v's."""
    first: list[int] = []
    for block in range(0, LANES, 2 * part):
        first += [block + i for i in range(part)] + [LANES + block + i for i in range(part)]
    second = [lane + part for lane in first]
    return builder.fadd(_shuffle(builder, u, v, first), _shuffle(builder, u, v, second))


def _shuffle(builder: Any, u: Any, v: Any, lanes: list[int]) -> Any:
    kind = ir.VectorType(ir.IntType(32), len(lanes))
    return builder.shuffle_vector(u, v, ir.Constant(kind, lanes))


@intrinsic
def flush_denormals(typing: Any) -> Any:
    """Let numbers too small to be normal (in float32 below 1.2e-38) count as zero from now on.

    A processor takes a hundred times as long for them as for others, and saturated units bring
    many. Gives the state that `restore` wants, or 0 where this is not an x86.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        state = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(32), 0))
        if IS_X86:
            _control(builder, "stmxcsr", state)
        before = builder.load(state)
        if IS_X86:
            builder.store(builder.or_(before, ir.Constant(ir.IntType(32), 0x8040)), state)
            _control(builder, "ldmxcsr", state)
        return before

    return types.int32(), code


@intrinsic
def restore(typing: Any, before: Any) -> Any:
    """End what `flush_denormals` began."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if IS_X86:
            _control(builder, "ldmxcsr", cgutils.alloca_once_value(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.int32), code


def _control(builder: Any, name: str, state: Any) -> None:
    place = builder.bitcast(state, ir.IntType(8).as_pointer())
    call(builder, f"llvm.x86.sse.{name}", ir.VoidType(), place)
