"""Linear regression as a problem: ŷ = a + bX, C_x = ½ (y − ŷ)²."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.data import Batch, Dataset, Examples
from gdexp.errors import GdexpError, flag
from gdexp.measure import Measure
from gdexp.problems.feedforward import Array
from gdexp.problems.quiet import Quiet, largest

MOST_TOLD = 20  # features that are named and logged one by one


class LinearRegression(Quiet):
    """A straight line, or a plane, through the examples of a data set: ŷ = a + b₁x₁ + … + b_k x_k.

    v is (a, b₁, …, b_k), in terms of the inputs as the data set gives them, which is mostly
    standardised. C_x = ½ (y − ŷ)², so that Σ C_x, the cost under ``scaling=sum``, is half the sum
    of squared errors.

    Parameters
    ----------
    dataset : Dataset
        With numbers as targets.
    dtype : dtype
        float64 or float32: the precision of v, of the inputs and of all that is computed.
    drawn : bool
        Whether a run is to end with a picture of the line.

    Raises
    ------
    GdexpError
        Where the data set's targets are classes.
    """

    def __init__(
        self, dataset: Dataset, dtype: DTypeLike = np.float64, drawn: bool = False
    ) -> None:
        if dataset.classes:
            raise GdexpError(
                f"problem=linear_regression needs data whose targets are numbers. Got "
                f"{dataset.name}, with {dataset.classes} classes. Write for example data=houses."
            )
        self.dataset, self.dtype, self.drawn = dataset, np.dtype(dtype), drawn
        self.n, self.size = len(dataset.train), dataset.n_in + 1
        self._train = self._columns(dataset.train)

    def _columns(self, examples: Examples) -> tuple[Array, Array]:
        """Give the inputs after a column of ones, (n, p), and the targets, (n,)."""
        x = examples.x(slice(0, len(examples)), self.dtype)
        ones = np.ones((len(x), 1), self.dtype)
        return np.hstack([ones, x]), examples.labels.astype(self.dtype)

    @property
    def title(self) -> str:
        """Say what it is in a few words: linear regression of 1 feature on houses."""
        k = self.size - 1
        features = "1 feature" if k == 1 else f"{k} features"
        return f"linear regression of {features} on {self.dataset.name}"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs: the data set's, or x1 to x_k."""
        return self.dataset.feature_names or tuple(f"x{j}" for j in range(1, self.size))

    def start(self, rng: np.random.Generator) -> Array:
        """Start from nothing: a = 0, b = 0; shape (p,)."""
        return np.zeros(self.size, self.dtype)

    def weights(self, v: Array) -> list[Array]:
        """Penalties act on b, and leave a alone."""
        return [v[1:]]

    def outputs(self, v: Array, x: Array) -> Array:
        """ŷ for inputs x, (m, k): shape (m,)."""
        line: Array = v[0] + x @ v[1:]
        return line

    def cost(self, v: Array, batch: Batch) -> float:
        """Σ C_x over a batch of the training inputs."""
        x, y = self._train
        return _half_squares(x[batch] @ v - y[batch])

    def gradient(self, v: Array, batch: Batch) -> Array:
        """Σ ∇C_x = Σ (ŷ − y) (1, x) over a batch of the training inputs; shape (p,)."""
        x, y = (each[batch] for each in self._train)
        nabla: Array = (x @ v - y) @ x
        return nabla

    def measure(self, v: Array) -> dict[str, Measure]:
        """Measure v on all the sets of examples that there are."""
        sets = {name: part for name, part in self.dataset.parts.items() if len(part)}
        return {
            name: Measure(self._cost_on(v, part), len(part), None) for name, part in sets.items()
        }

    def _cost_on(self, v: Array, examples: Examples) -> float:
        x, y = self._train if examples is self.dataset.train else self._columns(examples)
        return _half_squares(x @ v - y)

    @cached_property
    def closed_form(self) -> NDArray[np.float64]:
        """The v of least cost, by least squares (the shortest, where there are several)."""
        x, y = self._train
        v: NDArray[np.float64] = np.linalg.lstsq(
            x.astype(np.float64), y.astype(np.float64), rcond=None
        )[0]
        return v

    def distance(self, v: Array) -> float:
        """How far v is from the closed form: ‖v − v*‖."""
        return float(np.linalg.norm(v - self.closed_form))

    def coefficients(self, v: Array) -> dict[str, float]:
        """Give a and each b in the original units of the inputs, before they were standardised.

        With x = (u − shift)/spread, a + Σ b x = (a − Σ b shift/spread) + Σ (b/spread) u.
        """
        k = self.size - 1
        spread = np.array(self.dataset.spread or (1.0,) * k)
        shift = np.array(self.dataset.shift or (0.0,) * k)
        b = v[1:].astype(np.float64) / spread
        a = float(v[0]) - float(b @ shift)
        first = "intercept" if "intercept" not in self.features else "(intercept)"
        return {first: a, **dict(zip(self.features, map(float, b), strict=True))}

    def figures(self, v: Array) -> dict[str, float]:
        """Log the distance from the closed form, and, of few features, the coefficients."""
        named = {"closed_form/distance": self.distance(v)}
        if self.size > MOST_TOLD + 1:
            return named
        for place, (name, value) in enumerate(self.coefficients(v).items()):
            key = "coefficient/" + re.sub(r"[^\w.-]", "_", name)  # what MLflow takes for a name
            named[f"{key}_{place}" if key in named else key] = value
        return named

    def told(self, v: Array) -> dict[str, str]:
        """Tell the line, and how far it is from the best one."""
        a, *b = self.coefficients(v).items()
        terms = [f"{'+-'[value < 0]} {abs(value):.6g} {name}" for name, value in b]
        line = " ".join([f"{a[1]:.6g}", *_few(terms)])
        far = f"{self.distance(v):.3g} from the closed form, ‖v − v*‖"
        return {"line": f"ŷ = {line}, in original units", "distance": far}

    def curvature(self) -> float | None:
        """Give λ_max of the Hessian Σ (1, x)(1, x)ᵀ."""
        x, _ = self._train
        return largest((x.T @ x).astype(np.float64))

    def params(self) -> dict[str, str]:
        """Give what is to be shown of it beyond its settings."""
        return {
            "problem.parameters": str(self.size),
            "problem.features": " ".join(_few(self.features)),
        }

    def arrays(self, v: Array) -> dict[str, NDArray[Any]]:
        """Name what of v is to be kept: a, b, and how the inputs were standardised."""
        return {
            "a": v[:1],
            "b": v[1:],
            "features": np.array(self.features),
            "shift": np.array(self.dataset.shift),
            "spread": np.array(self.dataset.spread),
        }


@dataclass(frozen=True)
class LinearRegressionProblem:
    """The choice ``problem=linear_regression``: a straight line or a plane through data.

    Parameters
    ----------
    draw : bool
        Whether a run ends with a picture of the line.

    Raises
    ------
    SettingError
        Where that is neither true nor false.
    """

    draw: bool = True
    uses = ("data",)

    def __post_init__(self) -> None:
        flag("draw", self.draw)

    def build(self, dtype: DTypeLike, dataset: Dataset) -> LinearRegression:
        """Give the problem itself; GdexpError where the data are not for it."""
        return LinearRegression(dataset, dtype, self.draw)


def _few(words: Sequence[str]) -> list[str]:
    """Give the first words, and say how many more there are."""
    more = len(words) - MOST_TOLD
    return [*words[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]


def _half_squares(error: Array) -> float:
    return 0.5 * float(np.square(error.astype(np.float64)).sum())
