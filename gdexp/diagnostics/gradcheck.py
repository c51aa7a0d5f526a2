"""Backpropagation against central differences, while a run is under way."""

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Vector, relative_error
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject
from gdexp.diagnostics.layers import drawn, layers
from gdexp.errors import GdexpError, real, whole

STEPS = (1e-5, 1e-7)  # h; the second where the first may have stepped over a kink of relu


@dataclass(frozen=True)
class GradCheck(Diagnostic):
    """Compares the gradient with central differences, (C(v + h eⱼ) − C(v − h eⱼ)) / 2h.

    Both in float64, whatever the precision of the run, over the same few training inputs; for each
    layer on a sample of its coordinates, of which the relative error is ‖g − d‖ / ‖d‖. A
    coordinate that disagrees at h = 1e-5 is asked again at 1e-7, and the closer answer counts:
    a kink of relu that lies within one step is unlikely to lie within the other, and an error of
    the gradient shows in both.

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    examples : int
        Training inputs, drawn anew at each look.
    coordinates : int
        Of each layer, drawn anew; all where there are fewer.
    threshold : float
        The largest relative error of a layer that does not fail the run.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    examples: int = 20
    coordinates: int = 100
    threshold: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("examples", self.examples, 1, "20")
        whole("coordinates", self.coordinates, 1, "100")
        real("threshold", self.threshold, "1e-5")

    def look(self, sight: Sight) -> Finding:
        """Evaluate the cost twice for each coordinate, and the gradient once.

        Raises
        ------
        GdexpError
            Where a layer's relative error is beyond the threshold.
        """
        problem, v = sight.exact, sight.v.astype(np.float64)
        batch = drawn(sight.rng, problem.n, self.examples)
        gradient = problem.gradient(v, batch)
        errors = {}
        for layer, at in (layers(problem, v) or {"v": slice(0, v.size)}).items():
            some = at.start + drawn(sight.rng, at.stop - at.start, self.coordinates)
            numerical = self._differences(problem, v, batch, some, gradient[some])
            errors[layer] = relative_error(gradient[some], numerical)
        self._judge(errors, sight.epoch.number)
        found = Finding({"gradcheck/error": max(errors.values())})
        found.metrics.update({f"gradcheck/error_{layer}": e for layer, e in errors.items()})
        return found

    def _differences(
        self,
        problem: Subject,
        v: Vector,
        batch: NDArray[np.intp],
        some: NDArray[np.intp],
        gradient: Vector,
    ) -> Vector:
        numerical = np.array([_difference(problem, v, batch, j, STEPS[0]) for j in some])
        scale = self.threshold * float(np.linalg.norm(numerical)) / np.sqrt(len(some))
        for at in np.flatnonzero(np.abs(numerical - gradient) > scale):
            again = _difference(problem, v, batch, some[at], STEPS[1])
            if abs(again - gradient[at]) < abs(numerical[at] - gradient[at]):
                numerical[at] = again
        return numerical

    def _judge(self, errors: dict[str, float], epoch: int) -> None:
        layer = max(errors, key=lambda layer: errors[layer] if isfinite(errors[layer]) else inf)
        if not errors[layer] <= self.threshold:  # so that what is not a number fails too
            where = "" if layer == "v" else f" of {layer.replace('_', ' ')}"
            raise GdexpError(
                f"diagnostics.gradcheck: the gradient{where} after epoch {epoch} differs from"
                f" central differences by a relative error of {errors[layer]:.2g}; at most"
                f" diagnostics.gradcheck.threshold={self.threshold:g} is allowed."
                " The cost or its gradient is wrong, or the cost is not smooth there."
            )


def _difference(problem: Subject, v: Vector, batch: NDArray[np.intp], j: int, h: float) -> float:
    v = v.copy()
    here = v[j]
    v[j] = here + h
    above = problem.cost(v, batch)
    v[j] = here - h
    return (above - problem.cost(v, batch)) / (2 * h)
