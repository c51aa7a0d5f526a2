"""Costs of one example, and the error δ = ∂C_x/∂z that each starts at the output layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import SettingError
from gdexp.problems.feedforward import ACTIVATIONS, Array


class Cost(Protocol):
    """A cost C_x of output activations a = f(z) against targets y, all of shape (m, k)."""

    def check(self, output: str) -> None:
        """Refuse an output activation for which the cost is not defined (SettingError)."""

    def of(self, output: str, z: Array, a: Array, y: Array) -> NDArray[np.floating[Any]]:
        """C_x of each of m examples, shape (m,)."""

    def delta(self, output: str, a: Array, y: Array) -> Array:
        """δ = ∂C_x/∂z of each example, shape (m, k)."""


@dataclass(frozen=True)
class Quadratic:
    """C_x = ½‖y − a‖², so that 1/n Σ C_x is Nielsen's C = 1/(2n) Σ‖y − a‖² (ch. 1, eq. 6)."""

    def check(self, output: str) -> None:
        """Accept any output activation."""

    def of(self, output: str, z: Array, a: Array, y: Array) -> NDArray[np.floating[Any]]:
        """½‖y − a‖²."""
        error = a - y
        error *= error
        total: NDArray[np.floating[Any]] = 0.5 * error.sum(axis=1)
        return total

    def delta(self, output: str, a: Array, y: Array) -> Array:
        """Give (a − y) f'(z); for softmax the product with its Jacobian."""
        return ACTIVATIONS[output].back(a, a - y)


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy: of k yes-or-no outputs (sigmoid) or of one choice among k (softmax).

    Sigmoid: C_x = −Σ_j [y ln a + (1 − y) ln(1 − a)] (Nielsen, ch. 3, eq. 63). Softmax:
    C_x = −Σ_j y ln a, the log-likelihood cost (ch. 3, eq. 80). Both give δ = a − y. The values are
    computed from z, so that a saturated output gives its true cost instead of ln 0.
    """

    def check(self, output: str) -> None:
        """Accept outputs that are probabilities."""
        if output not in _FROM_Z:
            raise SettingError(
                "architecture.output_activation",
                "sigmoid or softmax with cost=cross_entropy, which needs outputs in (0, 1)",
                output,
                "softmax",
                "With cost=quadratic every output activation is allowed.",
            )

    def of(self, output: str, z: Array, a: Array, y: Array) -> NDArray[np.floating[Any]]:
        """Evaluate the formula above."""
        return _FROM_Z[output](z, y)

    def delta(self, output: str, a: Array, y: Array) -> Array:
        """Give a − y: the factor f'(z) cancels."""
        return a - y


def _sigmoid_cross_entropy(z: Array, y: Array) -> NDArray[np.floating[Any]]:
    # −y ln σ(z) − (1 − y) ln(1 − σ(z)) = ln(1 + eᶻ) − y z
    total: NDArray[np.floating[Any]] = (np.logaddexp(0, z) - y * z).sum(axis=1)
    return total


def _softmax_cross_entropy(z: Array, y: Array) -> NDArray[np.floating[Any]]:
    top = z.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(z - top).sum(axis=1, keepdims=True)) + top  # (m, 1)
    total: NDArray[np.floating[Any]] = (y * (log_sum - z)).sum(axis=1)
    return total


_FROM_Z: dict[str, Callable[[Array, Array], NDArray[np.floating[Any]]]] = {
    "sigmoid": _sigmoid_cross_entropy,
    "softmax": _softmax_cross_entropy,
}
