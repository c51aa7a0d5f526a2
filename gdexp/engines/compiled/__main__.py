"""Compiles the engine for images, so that no run has to wait for that.

``python -m gdexp.engines.compiled [PRECISION...]``: float32, where none is named.
"""

import sys

from gdexp.data import Digits
from gdexp.engines.compiled.engine import Compiled
from gdexp.problems import Architecture, Network, Quadratic

if __name__ == "__main__":
    for precision in sys.argv[1:] or ["float32"]:
        engine = Compiled(precision)
        engine.prepare(Network(Architecture([30]), Quadratic(), Digits().load(), engine.dtype))
