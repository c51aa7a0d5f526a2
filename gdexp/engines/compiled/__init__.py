"""The compiled engine: explicit vectors, zeros skipped, the same bits on every x86 processor."""

from gdexp.engines.compiled.engine import Compiled

__all__ = ["Compiled"]
