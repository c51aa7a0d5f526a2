"""SymPy expressions as lists of NumPy calls: evaluated without generating or running code."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

Value = Any  # a float64, or an array of them
Step = tuple[Callable[..., Any], tuple[int, ...]]


class Program:
    """Expressions of some variables as one list of calls; what occurs twice is computed once.

    Parameters
    ----------
    expressions : sequence
        SymPy's, made of sums, products, powers and `symbolic.FUNCTIONS`.
    variables : sequence
        SymPy's symbols, in the order in which their values will be given.
    """

    def __init__(self, expressions: Sequence[Any], variables: Sequence[Any]) -> None:
        self._values: list[Value] = [*variables]  # then numbers; then results, in order
        self._places: dict[Any, int] = {each: k for k, each in enumerate(variables)}
        self._steps: list[tuple[int, Step]] = []
        self._variables = len(variables)
        self._results = [self._place(each) for each in expressions]

    def __call__(self, values: Sequence[Value]) -> list[Value]:
        """Evaluate: where a formula has no value, NaN or inf comes of it, without a warning."""
        held = [*values, *self._values[self._variables :]]
        with np.errstate(all="ignore"):
            for place, (call, arguments) in self._steps:
                held[place] = call(*(held[k] for k in arguments))
        return [held[place] for place in self._results]

    def __len__(self) -> int:
        """Say how many calls an evaluation takes."""
        return len(self._steps)

    def _place(self, node: Any) -> int:
        """Say where the value of a node will be."""
        if node not in self._places:
            self._places[node] = self._add(node)
        return self._places[node]

    def _add(self, node: Any) -> int:
        if not node.args:
            return self._keep(_float(node))
        arguments = [self._place(each) for each in node.args]
        if node.is_Add or node.is_Mul:
            call = np.add if node.is_Add else np.multiply
            return reduce(lambda one, other: self._call(call, one, other), arguments)
        return self._call(_power if node.is_Pow else node.of, *arguments)

    def _call(self, call: Callable[..., Any], *arguments: int) -> int:
        place = self._keep(None)
        self._steps.append((place, (call, arguments)))
        return place

    def _keep(self, value: Value) -> int:
        self._values.append(value)
        return len(self._values) - 1


def _power(base: Value, exponent: Value) -> Value:
    if exponent == 2:
        return np.square(base)
    return np.reciprocal(base) if exponent == -1 else np.power(base, exponent)


def _float(node: Any) -> np.float64:
    """Give a number; NaN for what SymPy made of 1/0 or of the root of -1."""
    try:
        return np.float64(float(node))
    except (TypeError, OverflowError):
        return np.float64(np.nan)
