"""An independent opinion on a gradient: central differences of the cost."""

from collections.abc import Callable

import numpy as np

from gdexp.descent.problem import Vector


def central_differences(cost: Callable[[Vector], float], v: Vector, h: float = 1e-5) -> Vector:
    """Estimate ∇C(v) by (C(v + h eⱼ) − C(v − h eⱼ)) / 2h, coordinate by coordinate.

    Parameters
    ----------
    cost : callable
        C, of a point of shape (p,).
    v : ndarray, shape (p,)
        Where; float64, since the error is of order h² plus the rounding error over h.
    h : float
        The step, in units of v.

    Returns
    -------
    ndarray, shape (p,)
    """
    nabla = np.empty_like(v)
    for j in range(v.size):
        e = np.zeros_like(v)
        e[j] = h
        nabla[j] = (cost(v + e) - cost(v - e)) / (2 * h)
    return nabla


def relative_error(g: Vector, reference: Vector) -> float:
    """‖g − reference‖ / ‖reference‖, and ‖g‖ where the reference is zero."""
    scale = float(np.linalg.norm(reference))
    return float(np.linalg.norm(g - reference)) / (scale or 1.0)
