"""How well m examples estimate the gradient, and what the estimate costs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from gdexp.descent import Vector
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject
from gdexp.diagnostics.files import table
from gdexp.errors import SettingError, whole


@dataclass(frozen=True)
class Rung:
    """What estimates from m examples are like.

    Parameters
    ----------
    m : int
        Examples.
    error : float
        √(mean ‖G_m − G‖²) / ‖G‖, over the repetitions.
    cosine : float
        The mean of the cosine of the angle between G_m and G.
    seconds : float
        What an estimate takes; the median.
    trace : float
        m · mean ‖G_m − G‖², an unbiased estimate of tr Σ.
    """

    m: int
    error: float
    cosine: float
    seconds: float
    trace: float


@dataclass(frozen=True)
class Noise(Diagnostic):
    """Compares estimates of the gradient from m examples with the full gradient.

    G = 1/n Σ ∇C_x over all n training inputs, G_m = 1/m Σ ∇C_x over m of them, drawn uniformly
    *with replacement*, so that E‖G_m − G‖² = tr(Σ)/m holds exactly, up to m = n and beyond, with
    Σ the covariance of ∇C_x over the training inputs. (Without replacement, as an epoch of
    mini-batches draws, the error is smaller by √((n − m)/(n − 1)).) The relative error is
    therefore √(B/m), of slope −½ in log-log, with B = tr(Σ)/‖G‖², the "simple noise scale" of
    McCandlish et al. 2018 (arXiv 1812.06162, eq. 2.9): at m = B the error is as large as the
    gradient. They estimate tr Σ and ‖G‖² from two sizes of batch; here G is known, and tr Σ is
    the mean over all estimates of m ‖G_m − G‖².

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    ladder : sequence of int
        The values of m, at least two.
    repeats : int
        Estimates for each m.

    Raises
    ------
    SettingError
        Where a setting is not allowed.
    """

    every: int = 5
    ladder: Sequence[int] = (1, 3, 10, 30, 100, 300, 1000)
    repeats: int = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("repeats", self.repeats, 2, "30")
        allowed, example = "a list of at least two different whole numbers >= 1", "[1,10,100]"
        rungs = [] if isinstance(self.ladder, str) else list(self.ladder)
        if any(isinstance(m, bool) or not isinstance(m, int) or m < 1 for m in rungs):
            raise SettingError("ladder", allowed, rungs, example)
        if len(set(rungs)) < 2:
            raise SettingError("ladder", allowed, self.ladder, example)
        object.__setattr__(self, "ladder", tuple(sorted(set(rungs))))

    def unfit(self, problem: Subject) -> str:
        """Refuse what is no sum over examples."""
        return "" if problem.n > 1 else "the gradient of a single term has no noise"

    def look(self, sight: Sight) -> Finding:
        """Compute the full gradient, and `repeats` estimates for each m."""
        problem, v = sight.problem, sight.v
        full = problem.gradient(v, slice(0, problem.n)).astype(np.float64) / problem.n
        rungs = [self._rung(problem, v, m, full, sight.rng) for m in self.ladder]
        length = float(np.linalg.norm(full))
        found = Finding()
        if length > 0:
            found.metrics["grad/noise_scale"] = _mean(rungs, lambda r: r.trace) / length**2
        if all(rung.error > 0 for rung in rungs):
            found.metrics["noise/slope"] = slope(rungs)
        for rung in rungs:
            found.metrics[f"noise/error_m{rung.m}"] = rung.error
            found.metrics[f"noise/cosine_m{rung.m}"] = rung.cosine
            found.metrics[f"noise/seconds_m{rung.m}"] = rung.seconds
        found.files.extend(table(sight.folder, "noise", _rows(rungs, sight.epoch.number)))
        return found

    def _rung(
        self, problem: Subject, v: Vector, m: int, full: Vector, rng: np.random.Generator
    ) -> Rung:
        squares, cosines, seconds = [], [], []
        length = float(np.linalg.norm(full))
        for _ in range(self.repeats):
            batch = rng.integers(0, problem.n, m)
            began = time.perf_counter()
            estimate = problem.gradient(v, batch)
            seconds.append(time.perf_counter() - began)
            estimate = estimate.astype(np.float64) / m
            squares.append(float(np.sum((estimate - full) ** 2)))
            lengths = float(np.linalg.norm(estimate)) * length
            cosines.append(float(estimate @ full) / lengths if lengths else 0.0)
        mean = float(np.mean(squares))
        error = float(np.sqrt(mean)) / (length or 1.0)
        return Rung(m, error, float(np.mean(cosines)), median(seconds), m * mean)


def slope(rungs: Sequence[Rung]) -> float:
    """Fit log error = c + slope · log m by least squares; −½ by the law."""
    fitted = np.polyfit(np.log([r.m for r in rungs]), np.log([r.error for r in rungs]), 1)
    return float(fitted[0])


def _mean(rungs: Sequence[Rung], of: Callable[[Rung], float]) -> float:
    return float(np.mean([of(rung) for rung in rungs]))


def _rows(rungs: Sequence[Rung], epoch: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "m": rung.m,
            "relative error": rung.error,
            "error times √m": rung.error * float(np.sqrt(rung.m)),
            "cosine": rung.cosine,
            "seconds": rung.seconds,
            "seconds an example": rung.seconds / rung.m,
        }
        for rung in rungs
    ]
