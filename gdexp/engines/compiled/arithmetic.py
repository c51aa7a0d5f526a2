"""What rules need of explicit vectors beside sums and products; every result exactly rounded."""

from typing import Any

from numba import types
from numba.extending import intrinsic

from gdexp.engines.compiled.layout import LANES
from gdexp.engines.compiled.simd import VECTORS, as_llvm, broadcast, call, splat


@intrinsic
def root(typing: Any, v: Any) -> Any:
    """Give √v."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = f"llvm.sqrt.v{LANES}f{v.scalar.bitwidth}"
        return call(builder, name, args[0].type, args[0])

    return v(v), code


@intrinsic
def divide(typing: Any, u: Any, v: Any) -> Any:
    """Give u / v."""
    return u(u, v), lambda context, builder, signature, args: builder.fdiv(*args)


@intrinsic
def more(typing: Any, x: Any, v: Any) -> Any:
    """Give x + v of a number and a vector."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(broadcast(builder, args[1].type, args[0]), args[1])

    return v(v.scalar, v), code


@intrinsic
def sign(typing: Any, v: Any) -> Any:
    """Give 1 where v is positive, -1 where it is negative, and v where it is 0 or NaN."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing, one, less = (splat(args[0].type, value) for value in (0.0, 1.0, -1.0))
        rest = builder.select(builder.fcmp_ordered("<", args[0], nothing), less, args[0])
        return builder.select(builder.fcmp_ordered(">", args[0], nothing), one, rest)

    return v(v), code


@intrinsic
def widen(typing: Any, v: Any) -> Any:
    """Give the same numbers in float64."""
    double = VECTORS[types.float64]

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return args[0] if v == double else builder.fpext(args[0], as_llvm(types.float64))

    return double(v), code
