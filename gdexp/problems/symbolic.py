"""Functions for formulas: what SymPy differentiates, and NumPy evaluates.

SymPy's own sin, exp and so on simplify and evaluate what they are given as soon as they are called,
which for a hostile formula takes for ever. These know their derivatives, and nothing else.

Only `gdexp.problems.formula` imports this module, where it needs it: SymPy takes its time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

Ufunc = Callable[..., Any]


def _function(name: str, of: Ufunc, derivative: Callable[[Any], Any]) -> Any:
    """Make a function of one argument u, from its ufunc and its derivative as a function of u."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return derivative(self.args[0])

    # No name of mpmath's, nor a wish for numbers: SymPy would evaluate it otherwise.
    parts = {"fdiff": fdiff, "of": staticmethod(of), "_should_evalf": classmethod(lambda *_: -1)}
    return type(f"{name}_of", (sympy.Function,), parts)


FUNCTIONS: dict[str, Any] = {}
_sign = _function("sign", np.sign, lambda u: sympy.Integer(0))
for _name, _of, _derivative in (
    ("sin", np.sin, lambda u: FUNCTIONS["cos"](u)),
    ("cos", np.cos, lambda u: -FUNCTIONS["sin"](u)),
    ("tan", np.tan, lambda u: 1 + FUNCTIONS["tan"](u) ** 2),
    ("exp", np.exp, lambda u: FUNCTIONS["exp"](u)),
    ("log", np.log, lambda u: 1 / u),
    ("sqrt", np.sqrt, lambda u: 1 / (2 * FUNCTIONS["sqrt"](u))),
    ("tanh", np.tanh, lambda u: 1 - FUNCTIONS["tanh"](u) ** 2),
    ("abs", np.abs, _sign),
):
    FUNCTIONS[_name] = _function(_name, _of, _derivative)


def number(value: float) -> Any:
    """Give a number as SymPy holds it: exactly, where it is whole and not large."""
    small = value == int(value) and abs(value) <= 1e6
    return sympy.Integer(int(value)) if small else sympy.Float(value)


def variable(name: str) -> Any:
    """Give a variable; nothing is assumed of it, so that nothing is simplified on the way."""
    return sympy.Symbol(name)
