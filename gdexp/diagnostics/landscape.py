"""The cost along the way from start to end, and on the plane that the descent kept to most."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Vector
from gdexp.diagnostics import figures
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight
from gdexp.diagnostics.files import card, matrix
from gdexp.diagnostics.layers import drawn
from gdexp.errors import whole

Values = NDArray[np.float64]
BEYOND = 0.25  # of the way, or of the path's extent, is drawn beyond its ends


@dataclass(frozen=True)
class Landscape(Diagnostic):
    """Draws the mean cost around a descent, over some of the training inputs.

    The line: C(start + t (end − start)), as Goodfellow, Vinyals & Saxe 2015 (arXiv 1412.6544).
    The plane: through the end, along the two main directions of the recorded points less the end
    (their singular vectors), as Li et al. 2018 (arXiv 1712.09913, section 7); the path is its
    projection. What share of the squared distances the plane holds is told: where it is small, so
    is what the picture shows.

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    points : int
        At most so many measured points of the descent are kept for it, evenly spaced; memory is
        this many times that of the parameters.
    grid : int
        Points of the plane, in each direction; of the line, twice as many.
    examples : int
        Training inputs over which the cost is taken, the same for all points.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    every: int = 0
    points: int = 50
    grid: int = 25
    examples: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("points", self.points, 3, "50")
        whole("grid", self.grid, 2, "25")
        whole("examples", self.examples, 1, "1000")

    @property
    def waypoints(self) -> int:
        """As many as `points`."""
        return self.points

    def look(self, sight: Sight) -> Finding:
        """Evaluate the cost on line and plane; before the first update there is neither."""
        path = np.array([point.v for point in sight.trail], np.float64)  # (k, p)
        if len(path) < 2:
            return Finding()
        cost = _Cost(sight, drawn(sight.rng, sight.problem.n, self.examples))
        t, line = cost.along(path[0], path[-1], 2 * self.grid)
        found = Finding({"landscape/barrier": _barrier(t, line)})
        name, lines = f"landscape/line_epoch_{sight.epoch.number:04}", zip(t, line, strict=True)
        found.files.extend(matrix(sight.folder, name, [["t", "cost"], *lines]))
        title, shown, drawn_plane = f"after epoch {sight.epoch.number}", path[:, :2], None
        if min(path.shape) > 1 and len(path) > 2:
            plane = Plane.through(path)
            found.metrics["landscape/in_plane"] = plane.share
            title += f"; the plane holds {plane.share:.0%} of the squared distances"
            shown, drawn_plane = plane.path, cost.on(plane, self.grid)
            found.files.extend(_write_plane(sight, drawn_plane))
        image = figures.landscape((t, line), drawn_plane, shown, title)
        found.files.extend(card(sight.folder, "landscape", sight.epoch.number, image))
        return found


class _Cost:
    """The mean cost over a batch, at points given in float64."""

    def __init__(self, sight: Sight, batch: NDArray[np.intp]) -> None:
        self.problem, self.dtype, self.batch = sight.problem, sight.v.dtype, batch

    def __call__(self, v: Vector) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.problem.cost(v.astype(self.dtype), self.batch) / len(self.batch)

    def along(self, start: Values, end: Values, points: int) -> tuple[Values, Values]:
        """Evaluate it on a line and somewhat beyond its ends, both ends among the points."""
        t = np.union1d(np.linspace(-BEYOND, 1 + BEYOND, points), [0.0, 1.0])
        return t, np.array([self(start + at * (end - start)) for at in t])

    def on(self, plane: "Plane", points: int) -> tuple[Values, Values, Values]:
        """Evaluate it on a grid of a plane: α and β, and the costs, (β, α)."""
        alpha, beta = plane.axes(points)
        return alpha, beta, np.array([[self(plane.at(a, b)) for a in alpha] for b in beta])


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in the space of v.

    Parameters
    ----------
    origin : ndarray, shape (p,)
    directions : ndarray, shape (2, p)
        Orthonormal.
    path : ndarray, shape (k, 2)
        The points' coordinates in it.
    share : float
        Of the squared distances from the origin, what the plane holds.
    """

    origin: Values
    directions: Values
    path: Values
    share: float

    @classmethod
    def through(cls, path: Values) -> "Plane":
        """Lay it through the last of k points, (k, p), along their two main directions."""
        away = path - path[-1]
        _, singular, directions = np.linalg.svd(away, full_matrices=False)
        share = float((singular[:2] ** 2).sum() / max((singular**2).sum(), np.finfo(float).tiny))
        return cls(path[-1], directions[:2], away @ directions[:2].T, share)

    def at(self, alpha: float, beta: float) -> Values:
        """Give the point of coordinates α and β."""
        point: Values = self.origin + alpha * self.directions[0] + beta * self.directions[1]
        return point

    def axes(self, points: int) -> tuple[Values, Values]:
        """Give so many coordinates in each direction, over the path and somewhat beyond it."""
        low, high = self.path.min(axis=0), self.path.max(axis=0)
        extent = np.maximum(high - low, 0.1 * max((high - low).max(), 1e-12))
        low, high = low - BEYOND * extent, high + BEYOND * extent
        alpha, beta = (np.linspace(low[j], high[j], points) for j in (0, 1))
        return alpha, beta


def _barrier(t: Values, line: Values) -> float:
    """Give how far the cost rises, on the way, above both of its ends; 0 where it does not."""
    way = line[(t >= 0) & (t <= 1)]
    return float(way.max() - max(way[0], way[-1]))


def _write_plane(sight: Sight, plane: tuple[Values, Values, Values]) -> list[str]:
    alpha, beta, costs = plane
    name = f"landscape/plane_epoch_{sight.epoch.number:04}"
    rows: list[list[Any]] = [
        [a, b, costs[j, i]] for j, b in enumerate(beta) for i, a in enumerate(alpha)
    ]
    return matrix(sight.folder, name, [["alpha", "beta", "cost"], *rows])
