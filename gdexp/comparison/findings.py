"""What is to be said of a comparison beside its numbers, each in a sentence or two."""

from collections.abc import Iterator, Sequence

from gdexp.comparison.axes import AXES
from gdexp.comparison.conventions import Course
from gdexp.comparison.results import Comparison
from gdexp.comparison.statistics import ASSUMPTIONS, NONE, PAIRED, WELCH
from gdexp.comparison.twins import Twins, apart, same_descent, uneven
from gdexp.comparison.variants import Variant
from gdexp.comparison.winners import Reversal, Winner, reversal
from gdexp.stored import Reader, StoredRun, epochs

MOST = 4  # of one kind that are told one by one
CHANCE = 0.05
MINIMISED = ("problem", "function", "data", "cost")  # what the cost is of
CURVES = ("train/cost_mean", "val/cost_mean", "test/cost_mean")
SHARES = ("train/accuracy", "val/accuracy", "test/accuracy")


def findings(comparison: Comparison, reader: Reader) -> list[str]:
    """Tell what a reader of the numbers has to know: warnings first, then conventions.

    Parameters
    ----------
    comparison : Comparison
    reader : Reader
        The store of the runs, in which curves of the same descent are looked up.
    """
    return [
        *_cautions(comparison),
        *_of_winners(comparison),
        *_of_twins(same_descent(comparison.variants), reader),
        *_of_equal_numbers(comparison.variants),
        *_of_axes(comparison),
    ]


def method(comparison: Comparison) -> list[str]:
    """Say how the numbers came about: intervals, tests and their assumptions, and axes."""
    told = [
        "at equal updates, examples or seconds: each run's last measurement at or before what all "
        "had spent"
    ]
    if any(each["best"].n > 1 for each in comparison.intervals.values()):
        told.append("± is half of the mean's 95 % interval, over the seeds (Student's t)")
    tests = {each.test for each in comparison.differences.values()}
    for test in (PAIRED, WELCH):
        if test in tests:
            how = "over shared seeds" if test == PAIRED else "where fewer than 2 seeds are shared"
            told.append(f"difference, p: {test} {how}, assuming that {ASSUMPTIONS[test]}")
    tested = sum(each.test != NONE for each in comparison.differences.values())
    if tested > 1:
        told.append(f"p is corrected for {tested} tests (Holm); the best was chosen by these data")
    if not tested and comparison.differences:
        told.append(f"differences are not tested: {ASSUMPTIONS[NONE]}")
    return told


def _cautions(comparison: Comparison) -> Iterator[str]:
    runs = [run for variant in comparison.variants for run in variant.runs]
    if left_out := comparison.left_out:
        statuses = sorted({run.status for run in left_out})
        yield f"left out: {_count(left_out, 'run')} not finished ({', '.join(statuses)})"
    if repeated := len(runs) - len(comparison.each):
        yield f"left out: {repeated} that repeat a seed of their variant; the latest counts"
    differ = [name for name in MINIMISED if len({run.params.get(name) for run in runs}) > 1]
    by_cost = not comparison.higher
    if told := [name for name in differ if by_cost or name in ("problem", "data")]:
        yield (
            f"caution: {', '.join(told)} differ: {comparison.metric} of one is not comparable to "
            "that of another"
        )
    diverged = [v for v in comparison.variants if "diverged" in comparison.outcomes(v)]
    if diverged and by_cost:
        yield "the cost of a run that diverged counts as infinite"


def _of_winners(comparison: Comparison) -> Iterator[str]:
    reached = comparison.reached(comparison.by)
    found = reversal(comparison.variants, reached, higher=comparison.higher)
    if found.changes:
        assert found.mean is not None
        assert found.sum is not None
        yield (
            f"caution: the winner changes with the convention of η. {_won(found.mean)}; "
            f"{_won(found.sum)}{_by_chance(found)}. Compare at the best η of each instead"
        )
    elif (found.mean is None) != (found.sum is None):
        there = found.mean or found.sum
        assert there is not None
        other = "sum" if there.convention == "mean" else "mean"
        yield (
            f"these are at equal η under {there.convention} only: {_won(there)}. Under {other} "
            f"no two of different m share an η, and another may win"
        )


def _won(winner: Winner) -> str:
    return (
        f"at equal η under {winner.convention} ({winner.eta:g}) {winner.label} is ahead of "
        f"{winner.second}"
    )


def _by_chance(found: Reversal) -> str:
    leads = [each.lead for each in (found.mean, found.sum) if each is not None]
    sure = all(lead.p < CHANCE for lead in leads)
    return "" if sure else " (though that may be chance: not both leads have p < 0.05)"


def _of_twins(twins: Sequence[Twins], reader: Reader) -> Iterator[str]:
    runs = {run.id: run for each in twins for pair in each.pairs for run in pair}
    if not runs:
        return
    curves = epochs(reader, list(runs.values()), [*CURVES, *SHARES])
    told = []
    for each in twins:
        gaps = [apart(curves, one.id, other.id) for one, other in each.pairs]
        told.append((each, max(cost for cost, _ in gaps)))
    for each, gap in told[:MOST]:
        yield f"{_written(each)} are the same descent{_why(each)}: {_agreement(each, gap)}"
    if more := told[MOST:]:
        agree = sum(gap <= each.tolerance for each, gap in more)
        yield (
            f"{len(more)} more pairs of variants are the same descent under two conventions; the "
            f"curves of {agree} agree to rounding"
        )


def _written(twins: Twins) -> str:
    return f"{twins.one.label} and {twins.other.label}"


def _why(twins: Twins) -> str:
    one, other = (variant.runs[0] for variant in (twins.one, twins.other))
    if one.params.get("scaling.update") == other.params.get("scaling.update"):
        return " (scaling.cost only names another figure the cost)"
    course = Course.of(one)
    assert course is not None
    if course.m == 1:
        return " (η is the same where m = 1, or the rule undoes m)"
    mean, total = course.rates["mean"], course.rates["sum"]
    return f" (η/m: {mean:g}/{course.m:g} = {total:g})"


def _agreement(twins: Twins, gap: float) -> str:
    over = _count(twins.pairs, "seed")
    if gap == 0:
        return f"their curves are equal, bit by bit, over {over}"
    if gap <= twins.tolerance:
        return f"their curves agree to rounding, {gap:.1g} of the cost, over {over}"
    why = "rounding has grown along the way"
    if rest := uneven(twins.one.runs[0]):
        why = f"but for each epoch's last mini-batch, of {rest}, which only mean weighs more"
    elif len(twins.engines) > 1:
        why = f"the engines, {' and '.join(twins.engines)}, round otherwise, and that has grown"
    return f"yet their curves are {gap:.1g} of the cost apart at worst, over {over}: {why}"


def _of_equal_numbers(variants: Sequence[Variant]) -> Iterator[str]:
    """Tell of variants whose η is the same number under different conventions."""
    first: dict[object, Variant] = {}
    for variant in variants:
        course, params = Course.of(variant.runs[0]), variant.runs[0].params
        if course is None or course.m == 1:
            continue
        one = first.setdefault((course.setting, params["eta"]), variant)
        if one.runs[0].params["scaling.update"] != params["scaling.update"]:
            yield (
                f"{one.label} and {variant.label} have one number for η and are different "
                f"descents: under mean, η is {_rate(one)} in the first and {_rate(variant)} in "
                "the second"
            )
            return


def _rate(variant: Variant) -> str:
    course = Course.of(variant.runs[0])
    return f"{course.rates['mean']:g}" if course else ""


def _of_axes(comparison: Comparison) -> Iterator[str]:
    each = comparison.each
    for axis in AXES:
        budget = comparison.budgets[axis]
        early = each[each[f"{axis}_at"] < 0.5 * budget]
        names = list(dict.fromkeys(early["label"]))
        if names:
            shown = ", ".join(names[:MOST]) + (" ..." if len(names) > MOST else "")
            yield (
                f"at {budget:,.4g} {axis}: the last measurement before lies at less than half of "
                f"that ({shown})"
            )
    if len(hosts := _hosts(comparison)) > 1:
        yield f"seconds are of different machines ({', '.join(hosts[:MOST])})"


def _hosts(comparison: Comparison) -> list[str]:
    runs = [run for variant in comparison.variants for run in variant.runs]
    return sorted({run.tag("host") or "?" for run in runs})


def _count(items: Sequence[StoredRun] | Sequence[object], noun: str) -> str:
    return f"{len(items):,} {noun}" + ("" if len(items) == 1 else "s")
