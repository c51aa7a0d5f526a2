"""The figures by which runs are judged, and how they are written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gdexp.comparison import Interval, Variant, interval
from gdexp.errors import GdexpError
from gdexp.stored import StoredRun

PARTS = {"val": "validation", "test": "test", "train": "training"}
NONE = "–"


@dataclass(frozen=True)
class Measure:
    """A figure that runs log once.

    Parameters
    ----------
    name : str
        In the store, such as ``best/val_accuracy``.
    words : str
        What it is.
    curve : str
        The curve that it is a point of.
    """

    name: str
    words: str
    curve: str = ""

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return self.name.endswith("accuracy")

    def value(self, run: StoredRun) -> float:
        """Give a run's figure; NaN where it diverged, or has none."""
        return math.nan if run.tag("outcome") == "diverged" else _known(run, self.name)

    def values(self, variant: Variant) -> list[float]:
        """Give the figure of each seed."""
        return [self.value(run) for run in variant.runs]

    def interval(self, variant: Variant) -> Interval:
        """Give the mean over seeds with its 95 % interval; NaN where a seed has no figure."""
        return interval(self.values(variant))

    def rank(self, variant: Variant) -> tuple[bool, float]:
        """Give what sorts variants, the best first, and last those of which a run diverged."""
        mean = self.interval(variant).mean
        return math.isnan(mean), 0.0 if math.isnan(mean) else -mean if self.higher else mean

    def text(self, value: float) -> str:
        """Write a value: 95.55%, or 0.02554."""
        if math.isnan(value):
            return NONE
        return f"{value:.2%}" if self.higher else f"{value:.4g}"

    def spread(self, found: Interval) -> str:
        """Write a mean with its interval: 95.55% ± 0.42%, where there is one."""
        if math.isnan(found.low):
            return self.text(found.mean)
        if self.higher:
            return f"{found.mean:.2%} ± {found.half:.2%}"
        digits = 1 - math.floor(math.log10(found.half)) if found.half > 0 else 4
        if digits > 6:
            return f"{found.mean:.3g} ± {found.half:.2g}"
        return f"{found.mean:,.{max(digits, 0)}f} ± {found.half:,.{max(digits, 0)}f}"


SCORES = [
    *(
        Measure(f"best/{part}_accuracy", f"best {PARTS[part]} accuracy", f"{part}/accuracy")
        for part in ("val", "train")
    ),
    *(
        Measure(f"best/{part}_cost_mean", f"lowest {PARTS[part]} cost", f"{part}/cost_mean")
        for part in ("val", "train")
    ),
    Measure("final/train_cost_mean", "final training cost", "train/cost_mean"),
]
BESIDE = [
    Measure("final/test_accuracy", "test accuracy at the end"),
    Measure("final/train_cost_mean", "training cost at the end"),
    Measure("time/train_seconds", "training, s"),
]


def judge(runs: Sequence[StoredRun]) -> Measure:
    """Choose the figure that decides which is best: the first of `SCORES` that all runs have.

    Raises
    ------
    GdexpError
        Where they share none.
    """
    for measure in SCORES:
        if all(not math.isnan(_known(run, measure.name)) for run in runs):
            return measure
    wanted = ", ".join(measure.name for measure in SCORES)
    raise GdexpError(
        f"report: the {len(runs)} finished runs share no figure to judge them by ({wanted}). "
        'Choose runs of one kind, such as --where "problem=network".'
    )


def beside(runs: Sequence[StoredRun], score: Measure) -> list[Measure]:
    """Give the figures that stand beside the one that decides: those that any run has."""
    return [
        each
        for each in BESIDE
        if each.name != score.name and any(each.name in run.metrics for run in runs)
    ]


def _known(run: StoredRun, name: str) -> float:
    value = run.metrics.get(name, math.nan)
    return value if math.isfinite(value) else math.nan
