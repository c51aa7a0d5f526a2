"""What a conclusion is, and what it is drawn from."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdexp.comparison import Variant
from gdexp.report.measures import Measure
from gdexp.report.sensitivity import Line
from gdexp.report.target import Target

if TYPE_CHECKING:
    import pandas

LEAST_SEEDS = 3  # of a configuration, for a conclusion about it
MOST_NAMED = 6


@dataclass(frozen=True)
class Conclusion:
    """A statement, and the rule by which it follows from the figures.

    Parameters
    ----------
    text, rule : str
    points : sequence of str
        What is stated in detail.
    """

    text: str
    rule: str
    points: Sequence[str] = ()


@dataclass(frozen=True)
class Evidence:
    """What conclusions are drawn from.

    Parameters
    ----------
    variants : sequence of Variant
        The best first.
    measure : Measure
    epochs : DataFrame
        One row an epoch.
    lines : sequence of Line
        By the learning rate.
    target : Target or None
    """

    variants: Sequence[Variant]
    measure: Measure
    epochs: "pandas.DataFrame"
    lines: Sequence[Line]
    target: Target | None

    @property
    def firm(self) -> list[Variant]:
        """Configurations with enough seeds, none of which diverged."""
        return [
            each
            for each in self.variants
            if len(each.runs) >= LEAST_SEEDS and math.isfinite(self.measure.interval(each).mean)
        ]


def by_seed(variant: Variant, values: Mapping[str, float]) -> dict[Hashable, float]:
    """Give values of runs, named by their ids, by the seeds."""
    return {seed: values[run.id] for seed, run in variant.by_seed.items() if run.id in values}


def named(labels: Sequence[str]) -> str:
    """Name configurations, not too many of them."""
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(labels[:MOST_NAMED]) + more
