"""What figures and conclusions are made of, against theory and hand-computed values."""

import math
from collections.abc import Sequence

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gdexp.comparison import Variant
from gdexp.report.conclusions import Evidence, conclusions
from gdexp.report.curves import MOST_POINTS, curves, thinned
from gdexp.report.measures import SCORES, Measure
from gdexp.report.sensitivity import sensitivity
from gdexp.report.target import target
from gdexp.stored import StoredRun

ACCURACY = SCORES[0]
COST = Measure("best/train_cost_mean", "lowest training cost", "train/cost_mean")


def run(label: str, seed: int, value: float, measure: Measure, outcome: str = "ok") -> StoredRun:
    return StoredRun(
        id=f"{label}-{seed}",
        experiment="e",
        name=f"{label} s={seed}",
        status="FINISHED",
        start=0,
        end=1,
        artifacts="/nowhere",
        params={"seed": str(seed)},
        tags={"gdexp.outcome": outcome},
        metrics={measure.name: value},
    )


def variant(
    label: str, values: Sequence[float], measure: Measure = ACCURACY, **settings: str
) -> Variant:
    made = tuple(run(label, seed, value, measure) for seed, value in enumerate(values))
    return Variant(label, label, settings, made)


def table(variants: Sequence[Variant], metric: str, values: Sequence[float]) -> pandas.DataFrame:
    """Every run has the same curve; an epoch is 10 updates, 100 examples and a second."""
    rows = [
        {
            "run": each.id,
            "epoch": k,
            metric: value,
            "progress/updates": 10.0 * k,
            "progress/examples": 100.0 * k,
            "progress/seconds": float(k),
        }
        for one in variants
        for each in one.runs
        for k, value in enumerate(values)
    ]
    return pandas.DataFrame(rows)


@given(st.integers(0, 5000))
def test_thinned_keeps_both_ends_and_few_points(count: int) -> None:
    kept = thinned(count)
    assert kept == sorted(set(kept))
    assert len(kept) <= MOST_POINTS
    assert kept[:1] == [0][:count]
    assert kept[-1:] == [count - 1][:count]
    if count <= MOST_POINTS:
        assert len(kept) == count


def test_a_curve_goes_as_far_as_all_seeds_go_and_leaves_out_what_diverged() -> None:
    one = variant("a", [0.5, 0.6, 0.7])
    diverged = run("a", 3, math.nan, ACCURACY, "diverged")
    one = Variant("a", "a", {}, (*one.runs, diverged))
    rows = table([one], "val/accuracy", [0.1, 0.2, 0.3])
    rows = rows[~((rows["run"] == "a-0") & (rows["epoch"] == 2))]
    rows.loc[rows["run"] == "a-1", "val/accuracy"] += 0.3
    (curve,) = curves(rows, [one])
    assert curve.seeds == 3
    assert list(curve.x["updates"]) == [0, 10]
    band = curve.y["val/accuracy"]
    assert band.mean == pytest.approx(np.array([0.2, 0.3]))
    assert (band.low[0], band.high[0]) == pytest.approx((0.1, 0.4))


def test_what_it_takes_to_reach_the_target() -> None:
    both = [variant("a", [0.9, 0.9, 0.9]), variant("b", [0.8, 0.8, 0.8])]
    rows = table(both, "val/accuracy", [0.1, 0.7, 0.86, 0.9])
    rows.loc[rows["run"].str.startswith("b"), "val/accuracy"] -= 0.1
    found = target(rows, both, ACCURACY)
    assert found is not None
    assert found.value == 0.85  # the median of 0.9 and 0.8
    first, second = found.arrivals
    assert (first.reached, second.reached) == (3, 0)
    assert [first.mean(axis) for axis in first.spent] == [2, 20, 200, 2]


@pytest.mark.parametrize(
    ("median", "measure", "value"),
    [
        (0.9549, ACCURACY, 0.95),
        (0.9876, ACCURACY, 0.987),
        (0.01234, COST, 0.013),
        (4321.0, COST, 4400.0),
        (0.0, COST, 0.0),
    ],
)
def test_a_target_is_rounded_to_the_easier_side(
    median: float, measure: Measure, value: float
) -> None:
    both = [variant(name, [median], measure) for name in "ab"]
    found = target(table(both, measure.curve, [median]), both, measure)
    assert found is not None
    assert found.value == pytest.approx(value, rel=1e-9)
    assert all(each.reached == 1 for each in found.arrivals)


def test_lines_of_learning_rates() -> None:
    three = [variant(f"m=1 eta={eta}", [0.5], eta=eta, batch="1") for eta in ("10", "1", "3")]
    other = variant("m=2 eta=1", [0.4], eta="1", batch="2")
    (line,) = sensitivity([*three, other], ACCURACY)
    assert (line.label, line.etas) == ("m=1", [1.0, 3.0, 10.0])


def concluded(variants: Sequence[Variant]) -> list[str]:
    rows = table(variants, "val/accuracy", [0.1, 0.2])
    lines = sensitivity(variants, ACCURACY)
    evidence = Evidence(variants, ACCURACY, rows, lines, target(rows, variants, ACCURACY))
    return [" ".join([each.text, *each.points]) for each in conclusions(evidence)]


def test_the_best_is_told_from_others_as_scipy_tells_them() -> None:
    values = {
        "a": [0.95, 0.96, 0.97, 0.96],
        "b": [0.94, 0.97, 0.955, 0.96],
        "c": [0.5, 0.52, 0.5, 0.51],
    }
    ps = {name: stats.ttest_rel(values["a"], values[name]).pvalue for name in "bc"}
    assert ps["b"] > 0.05 > 2 * ps["c"]  # after Holm, too
    told = concluded([variant(name, each) for name, each in values.items()])[0]
    half = stats.sem(values["a"]) * stats.t.ppf(0.975, 3)
    assert told.startswith(f"a comes out best: best validation accuracy 96.00% ± {half:.2%}")
    assert "1 of 2 others is worse, beyond chance. 1 cannot be told from it: b." in told


def test_with_few_seeds_there_is_no_conclusion() -> None:
    told = concluded([variant("a", [0.9, 0.9]), variant("b", [0.8, 0.8, 0.8])])
    assert told == [
        "No conclusion on which configuration is best or fastest, or on the learning rate: 1 of "
        "the 2 configurations has 3 seeds or more."
    ]
    assert concluded([variant("a", [0.9])]) == []


def test_the_best_learning_rate_at_an_end_of_what_was_tried() -> None:
    rates = {"1": 0.5, "3": 0.6, "9": 0.7}
    made = [
        variant(f"eta={eta}", [value, value + 0.01, value], eta=eta)
        for eta, value in sorted(rates.items(), reverse=True)
    ]
    told = " ".join(concluded(made))
    assert "eta=9 is the best of 3, and the largest: larger ones may be better." in told


def test_diverged_runs_are_counted_and_have_no_mean() -> None:
    one = variant("a", [0.9, 0.9, 0.9])
    bad = Variant(
        "b", "b", {}, tuple(run("b", seed, 0.99, ACCURACY, "diverged") for seed in range(3))
    )
    assert ACCURACY.rank(one) < ACCURACY.rank(bad)
    assert "3 of 6 runs diverged: b." in " ".join(concluded([one, bad]))
