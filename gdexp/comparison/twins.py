"""Variants that are one descent under two conventions, and how far apart their curves are."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdexp.comparison.conventions import OF_SCALING, Course
from gdexp.comparison.variants import Variant
from gdexp.stored import StoredRun

if TYPE_CHECKING:
    import pandas

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


@dataclass(frozen=True)
class Twins:
    """Two variants that are one descent under two conventions."""

    one: Variant
    other: Variant

    @property
    def pairs(self) -> list[tuple[StoredRun, StoredRun]]:
        """Their runs of equal seeds."""
        one, other = self.one.by_seed, self.other.by_seed
        return [(one[seed], other[seed]) for seed in one if seed in other]

    @property
    def tolerance(self) -> float:
        """To what their curves agree where rounding is all that differs: half of its digits."""
        found = [run.params.get("engine.precision", "") for pair in self.pairs for run in pair]
        return math.sqrt(max((EPSILON.get(name, EPSILON["float32"]) for name in found), default=0))

    @property
    def engines(self) -> list[str]:
        """The engines that carried them out."""
        found = (run.params.get("engine.used", "") for pair in self.pairs for run in pair)
        return sorted(set(found))


def same_descent(variants: Sequence[Variant]) -> list[Twins]:
    """Find variants that are the same descent under two conventions, of η or of the cost.

    They have the same settings, but for scaling, engine and seed; and learning rates that are
    equal, to `DIGITS` digits, when expressed in one convention.
    """
    first: dict[Hashable, Variant] = {}
    found = []
    for variant in variants:
        course = Course.of(variant.runs[0])
        if course is None:
            continue
        one = first.setdefault((course.setting, course.rate("mean")), variant)
        if _conventions(one) != _conventions(variant):
            found.append(Twins(one, variant))
    return [twins for twins in found if twins.pairs]


def _conventions(variant: Variant) -> tuple[str | None, ...]:
    return tuple(variant.runs[0].params.get(name) for name in OF_SCALING[1:])


def apart(epochs: "pandas.DataFrame", one: str, other: str) -> tuple[float, float]:
    """Say how far two runs' curves are apart, at worst over the epochs that both measured.

    Parameters
    ----------
    epochs : DataFrame
        As `gdexp.stored.epochs` gives it, with costs and accuracies among its columns.
    one, other : str
        Ids.

    Returns
    -------
    cost : float
        |a − b|/max(|a|, |b|) of the mean costs, of whichever set it is largest.
    accuracy : float
        |a − b| of the accuracies; NaN where there are none.
    """
    costs = [name for name in epochs if name.endswith("/cost_mean")]
    shares = [name for name in epochs if name.endswith("/accuracy")]
    a, b = (epochs[epochs["run"] == each].set_index("epoch") for each in (one, other))
    a, b = a[costs + shares].align(b[costs + shares], join="inner")
    gap, size = (a - b).abs(), a.abs().where(a.abs() >= b.abs(), b.abs())
    cost = (gap[costs] / size[costs].where(size[costs] > 0, 1.0)).max(axis=None)
    return float(cost), float(gap[shares].max(axis=None)) if shares else math.nan


def uneven(run: StoredRun) -> int:
    """Give the size of each epoch's last mini-batch where it is smaller than m; else 0.

    There the two conventions are not quite the same descent: see `gdexp.descent.Scaling`.
    """
    if run.params.get("optimizer.last") != "keep":
        return 0
    total, mean = (run.metrics.get(f"final/train_cost_{name}", 0.0) for name in ("sum", "mean"))
    n = round(total / mean) if mean else 0
    return n % int(run.params.get("batch", 1))
