"""Conventions of η: the same descent told from another, and winners that depend on them."""

import math
from dataclasses import replace

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.comparison import Variant, apart, convert, reversal, same_descent, uneven, variants
from gdexp.comparison.conventions import Course
from gdexp.errors import SettingError
from gdexp.stored import StoredRun
from tests.comparison.test_variants import made

ETAS, SIZES = st.floats(1e-6, 1e6), st.integers(1, 100_000)


def of(update: str, eta: float, m: int, seed: int = 0, **more: str) -> StoredRun:
    """Make a run of a convention, with the η of the other that its record would name."""
    other = eta / m if update == "mean" else eta * m
    given = {"scaling": update, "scaling.cost": update, "scaling.update": update}
    rates = {"eta": repr(eta), "eta_other_convention": repr(other)}
    more = {name.replace("__", "."): value for name, value in more.items()}
    return made({**given, **rates, "batch": str(m), "seed": str(seed), **more})


@given(ETAS, SIZES)
def test_converting_there_and_back_is_nothing(eta: float, m: int) -> None:
    there = convert(eta, m, None, "mean", "sum")
    assert there == eta / m
    assert convert(there, m, None, "sum", "mean") == pytest.approx(eta, rel=1e-15)
    assert convert(eta, m, None, "mean", "mean") == eta
    assert convert(eta, None, m, "mean", "sum") == there


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ((0.0, 10, None, "mean", "sum"), "eta"),
        ((math.inf, 10, None, "mean", "sum"), "eta"),
        ((3.0, 0, None, "mean", "sum"), "batch"),
        ((3.0, 11, 10, "mean", "sum"), "batch"),
        ((3.0, None, None, "mean", "sum"), "batch"),
        ((3.0, None, 0, "mean", "sum"), "n"),
        ((3.0, 10, None, "half", "sum"), "from"),
        ((3.0, 10, None, "mean", "total"), "to"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    words: tuple[float, int | None, int | None, str, str], setting: str
) -> None:
    with pytest.raises(SettingError) as raised:
        convert(*words)
    assert raised.value.setting == setting


@given(ETAS, SIZES)
def test_the_same_descent_is_found_whatever_its_numbers(eta: float, m: int) -> None:
    one, other = of("mean", eta, m), of("sum", eta / m, m)
    assert len(same_descent(variants([one, other]))) == 1
    assert same_descent(variants([one, of("sum", 1.001 * eta / m, m)])) == []


def test_what_is_another_descent_is_not_taken_for_the_same() -> None:
    one = of("mean", 3.0, 10)
    for other in (
        of("sum", 3.0, 10),  # the same number, another η
        of("sum", 0.3, 10, rule="momentum"),
        of("sum", 0.3, 10, seed=1),  # no seed in common
        of("mean", 3.0, 10, engine__used="compiled"),  # not another convention
        replace(
            of("sum", 0.3, 10), params={**of("sum", 0.3, 10).params, "eta_other_convention": "None"}
        ),
    ):
        assert same_descent(variants([one, other])) == []
    assert len(same_descent(variants([one, of("sum", 0.3, 10, engine__used="compiled")]))) == 1


def test_a_cost_under_another_name_is_the_same_descent() -> None:
    one = of("mean", 3.0, 10)
    other = made({**one.params, "scaling.cost": "sum"})
    assert len(same_descent(variants([one, other]))) == 1


def curve(name: str, costs: list[float], accuracies: list[float]) -> pandas.DataFrame:
    columns = {"run": name, "epoch": range(len(costs)), "train/cost_mean": costs}
    return pandas.DataFrame({**columns, "val/accuracy": accuracies, "train/cost_sum": 1e9})


def test_how_far_curves_are_apart() -> None:
    table = pandas.concat(
        [
            curve("a", [1.0, 0.5, 0.1], [0.1, 0.5, 0.9]),
            curve("b", [1.0, 0.4, 0.1], [0.1, 0.5, 0.7]),
            curve("c", [1.0, 0.5], [0.1, 0.5]),
            curve("zero", [0.0, 0.0], [0.1, 0.5]),
        ]
    )
    assert apart(table, "a", "b") == pytest.approx((0.2, 0.2))
    assert apart(table, "b", "a") == pytest.approx((0.2, 0.2))
    assert apart(table, "a", "c") == (0.0, 0.0)  # over what both measured
    assert apart(table, "a", "zero")[0] == 1.0
    without = table.drop(columns="val/accuracy")
    assert math.isnan(apart(without, "a", "b")[1])


def test_a_last_mini_batch_that_is_smaller() -> None:
    whole = {"final/train_cost_sum": 1305 * 0.123, "final/train_cost_mean": 0.123}
    ragged = replace(of("mean", 3.0, 10, optimizer__last="keep"), metrics=whole)
    assert uneven(ragged) == 5
    assert uneven(replace(ragged, params={**ragged.params, "optimizer.last": "drop"})) == 0
    assert uneven(replace(ragged, params={**ragged.params, "batch": "5"})) == 0
    assert uneven(replace(ragged, metrics={})) == 0


def grid(
    reached: dict[tuple[float, int], float],
) -> tuple[list[Variant], dict[str, dict[object, float]]]:
    """Make two seeds of each (η under mean, m), which reach nearly the same."""
    found = variants([of("mean", eta, m, seed) for eta, m in reached for seed in (0, 1)])
    values: dict[str, dict[object, float]] = {}
    for variant in found:
        course = Course.of(variant.runs[0])
        assert course is not None
        base = reached[course.rates["mean"], round(course.m)]
        values[variant.key] = {0: base, 1: base + 0.001}
    return found, values


# By η under mean: 0.3, 3, 30; m: 10 and 100. At equal η under mean the small batch is ahead at
# every η; under sum, where 0.03 is (0.3, 10) and (3, 100), and 0.3 is (3, 10) and (30, 100), the
# large one is: it then takes the same step for each example, with less noise.
REVERSED = {
    (0.3, 10): 0.50, (3.0, 10): 0.90, (30.0, 10): 0.40,
    (0.3, 100): 0.20, (3.0, 100): 0.60, (30.0, 100): 0.95,
}  # fmt: skip


def test_a_winner_that_changes_with_the_convention() -> None:
    found, values = grid(REVERSED)
    told = reversal(found, values, higher=True)
    assert told.mean is not None
    assert told.sum is not None
    assert (told.mean.eta, told.mean.label, told.mean.second) == (3.0, "m=10", "m=100")
    assert (told.sum.eta, told.sum.label, told.sum.second) == (0.3, "m=100", "m=10")
    assert told.changes
    assert told.mean.lead.mean == pytest.approx(0.3)
    costs = {key: {seed: 1 - each for seed, each in seeds.items()} for key, seeds in values.items()}
    turned = reversal(found, costs, higher=False)
    assert turned.changes
    assert turned.sum is not None
    assert turned.sum.label == "m=100"


def test_a_winner_that_stays() -> None:
    found, values = grid({**REVERSED, (30.0, 100): 0.85})
    assert not reversal(found, values, higher=True).changes


def test_a_tie_is_no_winner() -> None:
    found, values = grid({**REVERSED, (30.0, 100): 0.90})
    assert not reversal(found, values, higher=True).changes


def test_what_no_two_share_has_no_winner() -> None:
    found, values = grid({(3.0, 10): 0.9, (3.0, 100): 0.6})
    told = reversal(found, values, higher=True)
    assert told.mean is not None
    assert told.sum is None
    assert not told.changes


def test_one_size_alone_has_no_conventions_to_compare() -> None:
    found, values = grid({(3.0, 10): 0.9, (0.3, 10): 0.6})
    told = reversal(found, values, higher=True)
    assert (told.mean, told.sum) == (None, None)


def test_a_run_that_diverged_does_not_win() -> None:
    found, values = grid(REVERSED)
    costs: dict[str, dict[object, float]] = {
        key: dict.fromkeys(seeds, math.inf) for key, seeds in values.items()
    }
    told = reversal(found, costs, higher=False)
    assert not told.changes
