"""A function C(v) of a few variables, as a problem: the whole of it is one example."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.errors import SettingError, flag, real
from gdexp.measure import Measure
from gdexp.problems.feedforward import Array
from gdexp.problems.formula import Formula
from gdexp.problems.quiet import Quiet, largest

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Function:
    """A function of a few variables: its formula, where to start, and which part of it to draw.

    Parameters
    ----------
    formula : str
        C, as in `Formula`.
    start : sequence of float, optional
        v to start from, a number for each variable in natural order; where there is none, it is
        drawn, evenly from the range.
    low, high : float or sequence of float
        The range that is drawn in pictures, and that a start is drawn from; of all variables, or
        a number for each.

    Raises
    ------
    SettingError
        Where the formula is not one, or the numbers do not fit its variables.
    GdexpError
        Where SymPy is not installed.
    """

    formula: str
    start: Sequence[float] | None = None
    low: Numbers = -2.0
    high: Numbers = 2.0

    def __post_init__(self) -> None:
        if self.start is not None:
            object.__setattr__(self, "start", self._each("start", self.start))
        low, high = self._each("low", self.low), self._each("high", self.high)
        if not all(a < b for a, b in zip(low, high, strict=True)):
            raise SettingError("high", f"more than low, which is {self.low}", self.high)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the parsed formula behind: it is of SymPy, and parsed anew where it is wanted."""
        return {name: value for name, value in vars(self).items() if name != "parsed"}

    @cached_property
    def parsed(self) -> Formula:
        """The formula, to evaluate and differentiate."""
        return Formula(self.formula, self.constants)

    @property
    def constants(self) -> dict[str, float]:
        """Names of the formula that stand for a number."""
        return {}

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, in the order of v."""
        return self.parsed.variables

    @property
    def title(self) -> str:
        """The formula, and what its constants are: C = v1**2 + v2**2."""
        named = [f"{name}={value:g}" for name, value in self.constants.items()]
        return ", ".join([f"C = {self.formula}", *named])

    def _each(self, setting: str, value: Any) -> tuple[float, ...]:
        """Give a number for each variable."""
        names = self.variables
        if setting != "start" and isinstance(value, int | float):
            return (real(setting, value, "2.0", "(-inf, inf)"),) * len(names)
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if not is_list or len(value) != len(names):
            example = f"[{','.join(['1.0'] * len(names))}]"
            advice = "function.start=null draws it." if setting == "start" else ""
            allowed = f"a list of a number for each of {', '.join(names)}"
            raise SettingError(setting, allowed, value, example, advice)
        return tuple(real(setting, each, "1.0", "(-inf, inf)") for each in value)


@dataclass(frozen=True)
class Conditioned(Function):
    """A function whose formula has `condition` in it: the condition number κ of its Hessian.

    Parameters
    ----------
    condition : float
        κ >= 1.
    """

    condition: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "condition", real("condition", self.condition, "10.0", "[1, inf)"))
        if not re.search(r"\bcondition\b", str(self.formula)):
            raise SettingError(
                "formula",
                "one with condition in it",
                self.formula,
                "(v1**2 + condition*v2**2)/2",
                "function=formula is for any.",
            )
        super().__post_init__()

    @property
    def constants(self) -> dict[str, float]:
        """The condition number."""
        return {"condition": self.condition}


class Surface(Quiet):
    """A function of a few variables as a problem: n = 1, and its one example costs C(v).

    Parameters
    ----------
    function : Function
    dtype : dtype
        Of v; C and ∇C are computed in float64.
    drawn : bool
        Whether a run is to end with a picture of its path.
    """

    n = 1
    dataset = None

    def __init__(
        self, function: Function, dtype: DTypeLike = np.float64, drawn: bool = False
    ) -> None:
        self.function, self.dtype, self.drawn = function, np.dtype(dtype), drawn
        self.formula = function.parsed
        self.size = len(function.variables)

    @property
    def title(self) -> str:
        """Say what it is: C = v1**2 + v2**2."""
        return self.function.title

    def start(self, rng: np.random.Generator) -> Array:
        """Give the point to start from, or draw it: shape (p,)."""
        if self.function.start is not None:
            return np.array(self.function.start, self.dtype)
        return rng.uniform(self.function.low, self.function.high).astype(self.dtype)

    def weights(self, v: Array) -> list[Array]:
        """Penalties act on all of v."""
        return [v]

    def cost(self, v: Array, batch: object = None) -> float:
        """C(v), whatever the batch: it is the one example."""
        return float(self.formula.cost(v.astype(np.float64)))

    def gradient(self, v: Array, batch: object = None) -> Array:
        """∇C(v), shape (p,)."""
        return self.formula.gradient(v.astype(np.float64)).astype(self.dtype)

    def measure(self, v: Array) -> dict[str, Measure]:
        """Measure v: there is nothing but training here."""
        return {"train": Measure(self.cost(v), 1, None)}

    def coordinates(self, v: Array) -> dict[str, float]:
        """Give v by the names of its variables."""
        return dict(zip(self.function.variables, map(float, v), strict=True))

    def params(self) -> dict[str, str]:
        """Give what is to be shown of it beyond its settings."""
        return {"function.variables": " ".join(self.function.variables)}

    def arrays(self, v: Array) -> dict[str, NDArray[Any]]:
        """Name what of v is to be kept."""
        return {"v": v, "variables": np.array(self.function.variables)}

    def figures(self, v: Array) -> dict[str, float]:
        """Log v with every measurement."""
        return {f"v/{name}": value for name, value in self.coordinates(v).items()}

    def told(self, v: Array) -> dict[str, str]:
        """Tell v."""
        return {"v": ", ".join(f"{k} = {value:.6g}" for k, value in self.coordinates(v).items())}

    def curvature(self) -> float | None:
        """Give λ_max of the Hessian, where C is a polynomial of degree 2 and has a minimum."""
        hessian = self.formula.hessian()
        return None if hessian is None else largest(hessian)

    def largest_eta(self) -> float | None:
        """Give the largest η with which plain gradient descent does not diverge, if it is known."""
        curvature = self.curvature()
        return None if curvature is None else 2 / curvature


@dataclass(frozen=True)
class FunctionProblem:
    """The choice ``problem=function``: a function of a few variables.

    Parameters
    ----------
    draw : bool
        Whether a run ends with a picture of its path.

    Raises
    ------
    SettingError
        Where that is neither true nor false.
    """

    draw: bool = True
    uses = ("function",)

    def __post_init__(self) -> None:
        flag("draw", self.draw)

    def build(self, dtype: DTypeLike, function: Function) -> Surface:
        """Give the problem itself."""
        return Surface(function, dtype, self.draw)
