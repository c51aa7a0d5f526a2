"""What a problem may tell of itself, and need not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.problems.feedforward import Array


class Quiet:
    """A problem that tells nothing beyond its measures; others override what they know better."""

    def figures(self, v: Array) -> dict[str, float]:
        """Name the figures that are logged with every measurement, beside the measures."""
        return {}

    def told(self, v: Array) -> dict[str, str]:
        """Say, under a word each, what the summary is to tell of the point that was reached."""
        return {}

    def curvature(self) -> float | None:
        """Give the largest eigenvalue of the Hessian of Σ C_x, if it is known to hold everywhere.

        And if all eigenvalues are > 0. A plain step along the whole gradient, −η Σ ∇C_x, then
        multiplies the distance from the minimum, along each eigenvector, by 1 − ηλ, so that the
        largest η with which it does not diverge is 2/λ_max (Nesterov 2004, sec. 2.1.5; Goh 2017,
        "Why momentum really works").
        """
        return None


def largest(hessian: NDArray[Any]) -> float | None:
    """Give the largest eigenvalue of a symmetric matrix, (p, p), where all are above zero."""
    if not np.isfinite(hessian).all():
        return None
    each = np.linalg.eigvalsh(hessian)
    return float(each[-1]) if each[0] > 1e-12 * each[-1] else None
