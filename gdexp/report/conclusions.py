"""What follows from the figures, each with the rule by which it does."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdexp.comparison import (
    Difference,
    Variant,
    apart,
    at_equal,
    holm,
    least,
    paired,
    reversal,
    same_descent,
)
from gdexp.report.measures import Measure
from gdexp.report.sensitivity import Line
from gdexp.report.target import Target

if TYPE_CHECKING:
    import pandas

LEAST_SEEDS = 3  # of a configuration, for a conclusion about it
LEVEL = 0.05
MOST_NAMED = 6
AXES = {"updates": "updates", "examples": "examples", "seconds": "seconds of training"}


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


def conclusions(evidence: Evidence) -> list[Conclusion]:
    """Draw all conclusions that the figures allow."""
    if len(evidence.variants) > 1 and len(evidence.firm) < 2:
        return [_too_few(evidence), *_outcomes(evidence), *_conventions(evidence)]
    drawn = [*_best(evidence), *_equal(evidence), *_fastest(evidence)]
    return [*drawn, *_rates(evidence), *_outcomes(evidence), *_conventions(evidence)]


def _too_few(evidence: Evidence) -> Conclusion:
    firm, count = len(evidence.firm), len(evidence.variants)
    return Conclusion(
        "No conclusion on which configuration is best or fastest, or on the learning rate: "
        f"{firm or 'none'} of the {count} configurations {'has' if firm < 2 else 'have'} "
        f"{LEAST_SEEDS} seeds or more.",
        f"At least two configurations must have {LEAST_SEEDS} seeds or more, none of which "
        "diverged. With fewer, a difference cannot be told from chance. Run more, such as with "
        "seed=0,1,2,3,4.",
    )


def by_seed(variant: Variant, values: Mapping[str, float]) -> dict[Hashable, float]:
    """Give values of runs, named by their ids, by the seeds."""
    return {seed: values[run.id] for seed, run in variant.by_seed.items() if run.id in values}


def _best(evidence: Evidence) -> Iterator[Conclusion]:
    measure, firm = evidence.measure, evidence.firm
    if len(evidence.variants) < 2:
        return
    if len(firm) < 2:
        return
    best, *others = firm
    values = {run.id: measure.value(run) for each in firm for run in each.runs}
    tests = [paired(by_seed(best, values), by_seed(each, values)) for each in others]
    corrected = holm([each.p for each in tests])
    alike = [each.label for each, p in zip(others, corrected, strict=True) if not p < LEVEL]
    found = measure.interval(best)
    yield Conclusion(
        f"{best.label} comes out best: {measure.words} {measure.spread(found)}, the mean of "
        f"{found.n} seeds.",
        f"Of the {len(firm)} configurations with at least {LEAST_SEEDS} seeds, none of which "
        f"diverged, the best mean; ± is half the 95 % interval. Each other is compared with it by "
        f"{_tests(tests)}, with p corrected for {len(tests)} comparisons after Holm; worse means "
        f"p < {LEVEL:g}. Assumed: {tests[0].assumption}. Being chosen as the best, it looks a "
        "little better than it is.",
        _told_apart(len(others), alike),
    )


def _told_apart(others: int, alike: Sequence[str]) -> list[str]:
    worse = others - len(alike)
    told = []
    if worse:
        told.append(
            f"{worse} of {others} others {'is' if worse == 1 else 'are'} worse, beyond chance."
        )
    if alike:
        told.append(f"{len(alike)} cannot be told from it: {_named(alike)}.")
    return told


def _tests(tests: Sequence[Difference]) -> str:
    return " or ".join(sorted({f"the {each.test}".replace("the Welch", "Welch") for each in tests}))


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(labels[:MOST_NAMED]) + more


def _equal(evidence: Evidence) -> Iterator[Conclusion]:
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
    amount = f"{budget:.3g}" if axis == "seconds" else f"{budget:,.0f}"
    return (
        f"at {amount} {AXES[axis]}, {first} leads with {measure.text(means[first])} "
        f"(next: {second}, {measure.text(means[second])}{chance})."
    )


def _fastest(evidence: Evidence) -> Iterator[Conclusion]:
    target = evidence.target
    if target is None:
        return
    labels = [each.label for each in evidence.variants]
    there = [each for each in target.arrivals if each.reached == each.seeds >= LEAST_SEEDS]
    goal = f"{target.measure.text(target.value)} {_curve_words(target.measure)}"
    if not there:
        yield Conclusion(
            f"No conclusion on which configuration is the fastest to {goal}: none has "
            f"{LEAST_SEEDS} seeds or more that all reached it.",
            "Of those, the smallest mean amount would be named.",
        )
        return
    told = []
    for axis, words in AXES.items():
        known = [each for each in there if not math.isnan(each.mean(axis))]
        if known:
            first = min(known, key=lambda each: (each.mean(axis), each.variant))
            amount = first.mean(axis)
            shown = f"{amount:.3g}" if axis == "seconds" else f"{amount:,.0f}"
            told.append(f"the fewest {words}, {shown}: {labels[first.variant]}.")
    if told:
        yield Conclusion(
            f"To reach {goal}:",
            f"Of the {len(there)} configurations whose seeds, {LEAST_SEEDS} or more, all reached "
            "it, the smallest mean amount by the first measurement there. No test is made. "
            "Seconds are those of the machines that ran them.",
            told,
        )


def _curve_words(measure: Measure) -> str:
    return measure.words.removeprefix("best ").removeprefix("lowest ").removeprefix("final ")


def _rates(evidence: Evidence) -> Iterator[Conclusion]:
    lines = [line for line in evidence.lines if len(line.etas) > 2]
    firm = [line for line in lines if all(each.n >= LEAST_SEEDS for each in line.found)]
    if lines and not firm:
        yield Conclusion(
            "No conclusion on which learning rate is best: there are too few seeds.",
            f"Each learning rate must have {LEAST_SEEDS} seeds or more.",
        )
    told = [_rate(line, evidence.measure) for line in firm[:MOST_NAMED]]
    if told:
        yield Conclusion(
            "The learning rate:",
            f"Per line of learning rates, that with the best mean {evidence.measure.words}; at an "
            "end of what was tried, the best may lie beyond. No test is made between neighbours.",
            told,
        )


def _rate(line: Line, measure: Measure) -> str:
    sign = -1 if measure.higher else 1
    means = [math.inf if math.isnan(each.mean) else sign * each.mean for each in line.found]
    at = min(range(len(means)), key=means.__getitem__)
    found = f"{line.label}: eta={line.etas[at]:g} is the best of {len(line.etas)}"
    if at == 0:
        return f"{found}, and the smallest: smaller ones may be better."
    if at == len(means) - 1:
        return f"{found}, and the largest: larger ones may be better."
    return f"{found}, from {line.etas[0]:g} to {line.etas[-1]:g}."


def _outcomes(evidence: Evidence) -> Iterator[Conclusion]:
    names = {"diverged": "diverged", "lost_class": "lost whole classes"}
    runs = sum(len(each.runs) for each in evidence.variants)
    for outcome, words in names.items():
        hit = Counter(
            {
                each.label: sum(run.tag("outcome") == outcome for run in each.runs)
                for each in evidence.variants
            }
        )
        count = sum(hit.values())
        if count:
            labels = [label for label, number in hit.most_common() if number]
            yield Conclusion(
                f"{count} of {runs} runs {words}: {_named(labels)}.",
                f"Counted by the tag gdexp.outcome = {outcome}, which each run sets at its end. "
                + (
                    "What diverged has no result, and its configuration no mean."
                    if outcome == "diverged"
                    else "They count in all means."
                ),
            )


def _conventions(evidence: Evidence) -> Iterator[Conclusion]:
    measure = evidence.measure
    for twins in same_descent(evidence.variants)[:MOST_NAMED]:
        found = max(apart(evidence.epochs, one.id, other.id)[0] for one, other in twins.pairs)
        if math.isnan(found):
            continue
        agree = "agree to" if found <= twins.tolerance else "are apart by"
        yield Conclusion(
            f"{twins.one.label} and {twins.other.label} are the same descent under two "
            f"conventions; their costs {agree} {found:.1e}.",
            "Same settings, and learning rates that are equal when written in one convention; the "
            "largest relative difference of their mean costs, over all epochs and equal seeds. "
            f"To {twins.tolerance:.1e} it is taken for rounding.",
        )
    reached = {
        each.key: {seed: measure.value(run) for seed, run in each.by_seed.items()}
        for each in evidence.firm
    }
    turned = reversal(evidence.firm, reached, higher=measure.higher)
    if turned.changes and turned.mean and turned.sum:
        yield Conclusion(
            "Which setting wins at one learning rate depends on the convention of eta: under mean "
            f"{turned.mean.label} (eta={turned.mean.eta:g}), under sum {turned.sum.label} "
            f"(eta={turned.sum.eta:g}).",
            "At the learning rate that most settings of different m share under a convention, and "
            "at which they do best on average, the best mean over seeds.",
        )
