"""Compiles the engine for images in float32, so that no run has to wait for that.

``python -m gdexp.engines.compiled``
"""

from gdexp.data import Digits
from gdexp.engines.compiled.engine import Compiled
from gdexp.problems import Architecture, Network, Quadratic

if __name__ == "__main__":
    engine = Compiled("float32")
    engine.prepare(Network(Architecture([30]), Quadratic(), Digits().load(), engine.dtype))
