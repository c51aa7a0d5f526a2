"""Problems whose trajectories are watched: every point at which a gradient was asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Batch, Optimizer, Problem, Rule, Scaling, State, Vector, descent
from gdexp.measure import Measure

Path = NDArray[np.float64]  # (updates + 1, p)


class Ellipses:
    """C_x(v) = ½ Σ_j a_j (v_j − x_j)² for n points x: their mean is an ellipse of curvatures a."""

    def __init__(self, points: Vector, curvatures: Vector) -> None:
        self.points, (self.n, self.size) = points, points.shape
        self.curvatures = curvatures

    def start(self, rng: np.random.Generator) -> Vector:
        start: Vector = rng.standard_normal((self.size,))
        return start

    def weights(self, v: Vector) -> list[Vector]:
        return [v]

    def gradient(self, v: Vector, batch: Batch) -> Vector:
        nabla: Vector = (self.curvatures * (v - self.points[batch])).sum(axis=0)
        return nabla

    def measure(self, v: Vector) -> Mapping[str, Measure]:
        cost = 0.5 * (self.curvatures * (v - self.points) ** 2).sum()
        return {"train": Measure(float(cost), self.n, None)}


class Watched:
    """Another problem, its gradients times a factor, and where they were taken."""

    def __init__(self, problem: Any, factor: float = 1.0) -> None:
        self._problem, self._factor = problem, factor
        self.points: list[Vector] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._problem, name)

    def gradient(self, v: Vector, batch: Batch) -> Vector:
        self.points.append(v.copy())
        nabla: Vector = self._factor * self._problem.gradient(v, batch)
        return nabla


def trajectory(
    problem: Problem,
    optimizer: Optimizer,
    rule: Rule,
    *,
    eta: float,
    epochs: int,
    scaling: Scaling = Scaling(),  # noqa: B008 - frozen
    factor: float = 1.0,
    seed: int = 0,
    **more: Any,
) -> Path:
    """Descend, and give v before each update and at the end."""
    watched, state = Watched(problem, factor), State.begin(problem, seed)
    *_, last = descent(
        watched, optimizer, scaling, state, eta=eta, epochs=epochs, rule=rule, **more
    )
    assert last.updates == len(watched.points)
    return np.array([*watched.points, state.v])
