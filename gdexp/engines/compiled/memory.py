"""Where the kernels' numbers lie: pointers, and vectors read and written there."""

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gdexp.engines.compiled.simd import VECTORS, as_llvm, call, splat


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    at = builder.gep(args[0], [args[1]])
    return builder.bitcast(at, as_llvm(signature.args[0].dtype).as_pointer())


@intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """Give where an array's numbers lie: an index into it is neither checked nor counted.

    It keeps nothing alive: whoever calls the compiled function holds the array.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), code


@intrinsic
def beyond(typing: Any, array: Any, count: Any) -> Any:
    """Point `count` numbers further on.

    A piece of assembler without an instruction hides from LLVM how the address came about: LLVM
    would add two registers in every load and store instead, and Intel's processors split up an FMA
    whose operand is addressed by two.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.gep(args[0], [args[1]])
        return builder.asm(ir.FunctionType(at.type, [at.type]), "", "=r,0", [at], False)

    return array(array, types.intp), code


@intrinsic
def halves(typing: Any, array: Any, at: Any) -> Any:
    """Read the lower and the upper 32 bits of array[at], a number of 64 bits, one by one.

    It is for what is taken apart: most of 32 bits takes fewer instructions than most of 64.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i32 = ir.IntType(32)
        first = builder.bitcast(builder.gep(args[0], [args[1]]), i32.as_pointer())
        both = [builder.load(builder.gep(first, [ir.Constant(i32, k)])) for k in (0, 1)]
        in_order = both if sys.byteorder == "little" else both[::-1]
        return context.make_tuple(builder, signature.return_type, in_order)

    return types.UniTuple(types.uint32, 2)(array, types.intp), code


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
        call(builder, "llvm.prefetch.p0", ir.VoidType(), byte, *hints)
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def zero(typing: Any, array: Any) -> Any:
    """Give a vector of zeros, of the type that an array or pointer holds."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return splat(as_llvm(signature.args[0].dtype), 0.0)

    return VECTORS[array.dtype](array), code
