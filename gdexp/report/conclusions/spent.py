"""Which configuration leads when all have spent the same, and which is the fastest to a target."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gdexp.comparison import Variant, at_equal, least, paired
from gdexp.report.conclusions.conclusion import LEAST_SEEDS, Conclusion, Evidence, by_seed
from gdexp.report.measures import Measure
from gdexp.report.target import Arrival

if TYPE_CHECKING:
    import pandas

AXES = {"updates": "updates", "examples": "examples", "seconds": "seconds of training"}


def leading(evidence: Evidence) -> Iterator[Conclusion]:
    """Say which configuration leads when all have spent the same."""
    firm, measure = evidence.firm, evidence.measure
    if len(firm) < 2 or measure.curve not in evidence.epochs:
        return
    ids = [run.id for each in firm for run in each.runs]
    epochs = evidence.epochs[evidence.epochs["run"].isin(ids)]
    told = [_leader(epochs, firm, measure, axis) for axis in AXES]
    if any(told):
        yield Conclusion(
            "When all have spent the same:",
            f"The {measure.curve} of each run's last measurement at or before the amount, which is "
            "the least that any of them spent in all; the best mean over seeds. p is of the "
            "difference from the next, not corrected.",
            [each for each in told if each],
        )


def _leader(
    epochs: "pandas.DataFrame", firm: Sequence[Variant], measure: Measure, axis: str
) -> str:
    budget = least(epochs, axis)
    reached = at_equal(epochs, axis, measure.curve, budget)["value"].dropna().to_dict()
    sign = -1 if measure.higher else 1
    seeds = {each.label: by_seed(each, reached) for each in firm}
    means = {
        label: sum(values.values()) / len(values)
        for label, values in seeds.items()
        if len(values) >= LEAST_SEEDS
    }
    if len(means) < 2:
        return ""
    first, second, *_ = sorted(means, key=lambda label: (sign * means[label], label))
    p = paired(seeds[first], seeds[second]).p
    chance = "" if math.isnan(p) else f", p = {p:.2g}"
    return (
        f"at {_amount(budget, axis)} {AXES[axis]}, {first} leads with {measure.text(means[first])} "
        f"(next: {second}, {measure.text(means[second])}{chance})."
    )


def fastest(evidence: Evidence) -> Iterator[Conclusion]:
    """Say which configuration reaches the target with the least."""
    target = evidence.target
    if target is None:
        return
    there = [each for each in target.arrivals if each.reached == each.seeds >= LEAST_SEEDS]
    goal = f"{target.measure.text(target.value)} {_curve_words(target.measure)}"
    if not there:
        yield Conclusion(
            f"No conclusion on which configuration is the fastest to {goal}: none has "
            f"{LEAST_SEEDS} seeds or more that all reached it.",
            "Of those, the smallest mean amount would be named.",
        )
        return
    if told := [*_fewest(there, [each.label for each in evidence.variants])]:
        yield Conclusion(
            f"To reach {goal}:",
            f"Of the {len(there)} configurations whose seeds, {LEAST_SEEDS} or more, all reached "
            "it, the smallest mean amount by the first measurement there. No test is made. "
            "Seconds are those of the machines that ran them.",
            told,
        )


def _fewest(there: Sequence[Arrival], labels: Sequence[str]) -> Iterator[str]:
    """Name for each axis the configuration that is there with the least of it."""
    for axis, words in AXES.items():
        known = [each for each in there if not math.isnan(each.mean(axis))]
        if known:
            first = min(known, key=lambda each: (each.mean(axis), each.variant))
            amount = _amount(first.mean(axis), axis)
            yield f"the fewest {words}, {amount}: {labels[first.variant]}."


def _amount(spent: float, axis: str) -> str:
    return f"{spent:.3g}" if axis == "seconds" else f"{spent:,.0f}"


def _curve_words(measure: Measure) -> str:
    return measure.words.removeprefix("best ").removeprefix("lowest ").removeprefix("final ")
