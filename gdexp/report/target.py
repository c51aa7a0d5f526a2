"""What it takes to come to a target: epochs, updates, examples, seconds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from gdexp.comparison import AXES, Variant
from gdexp.report.measures import Measure

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Arrival:
    """When the runs of a configuration reached the target.

    Parameters
    ----------
    variant : int
    seeds : int
        How many runs there are.
    spent : mapping of str to list of float
        By axis, what each run that reached it had spent by the first measurement there.
    """

    variant: int
    seeds: int
    spent: Mapping[str, list[float]]

    @property
    def reached(self) -> int:
        """How many runs reached it."""
        return len(self.spent["epochs"])

    def mean(self, axis: str) -> float:
        """Give the mean of those that reached it; NaN where none did, or none tells."""
        values = self.spent.get(axis, [])
        return fmean(values) if values else math.nan


@dataclass(frozen=True)
class Target:
    """A value to be reached, and who did when.

    Parameters
    ----------
    value : float
    measure : Measure
        Whose curve is to reach it.
    arrivals : sequence of Arrival
        Of all configurations.
    """

    value: float
    measure: Measure
    arrivals: Sequence[Arrival]

    @property
    def rule(self) -> str:
        """Say how the value was chosen."""
        way = "down" if self.measure.higher else "up"
        return f"the median of the configurations' mean {self.measure.words}, rounded {way}"


def target(
    epochs: "pandas.DataFrame", variants: Sequence[Variant], measure: Measure
) -> Target | None:
    """Choose a target that about half of the configurations reach; None where there is no curve.

    Parameters
    ----------
    epochs : DataFrame
        One row an epoch, as `gdexp.stored.epochs` gives it.
    variants : sequence of Variant
    measure : Measure
    """
    means = [measure.interval(variant).mean for variant in variants]
    known = [mean for mean in means if math.isfinite(mean)]
    if measure.curve not in epochs or len(variants) < 2 or not known:
        return None
    value = _eased(median(known), measure)
    curve = epochs[measure.curve]
    there = epochs[curve >= value if measure.higher else curve <= value]
    first = there.drop_duplicates("run").set_index("run")
    return Target(value, measure, [_arrival(at, each, first) for at, each in enumerate(variants)])


def _arrival(at: int, variant: Variant, first: "pandas.DataFrame") -> Arrival:
    sound = [run.id for run in variant.runs if run.tag("outcome") != "diverged"]
    rows = first.loc[[run for run in sound if run in first.index]]
    columns = {"epochs": "epoch", **{axis: name for axis, name in AXES.items() if name in rows}}
    spent = {axis: [float(each) for each in rows[name]] for axis, name in columns.items()}
    return Arrival(at, len(variant.runs), spent)


def _eased(value: float, measure: Measure) -> float:
    """Round to the side that is easier to reach: accuracies to whole per cents, costs to 2 digits.

    Accuracies above 98 % to tenths, since there a whole per cent is most of the way.
    """
    if measure.higher:
        steps = 100 if value < 0.98 else 1000
        return math.floor(value * steps + 1e-9) / steps
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.6g}")
