"""What runs had reached when all had spent the same, by hand."""

import math

import pandas
import pytest

from gdexp.comparison import at_equal, least

NAN = math.nan
CURVES = pandas.DataFrame(
    [  # a: 100 updates an epoch; b: 1 an epoch; c ends early, and its cost was infinite
        ("a", 0, 0.0, 0.0, 0.10),
        ("a", 1, 100.0, 1.0, 0.60),
        ("a", 2, 200.0, 2.0, 0.90),
        ("b", 0, 0.0, 0.0, 0.10),
        ("b", 1, 1.0, 1.5, 0.30),
        ("b", 2, 150.0, 3.0, 0.20),
        ("c", 0, 0.0, 0.0, 0.50),
        ("c", 1, 2.0, 0.5, NAN),
    ],
    columns=["run", "epoch", "progress/updates", "progress/seconds", "val/accuracy"],
)


@pytest.mark.parametrize(
    ("axis", "budget", "values", "at"),
    [
        ("updates", None, [0.10, 0.30, NAN], [0, 1, 2]),
        ("updates", 99, [0.10, 0.30, NAN], [0, 1, 2]),
        ("updates", 100, [0.60, 0.30, NAN], [100, 1, 2]),
        ("updates", 150, [0.60, 0.20, NAN], [100, 150, 2]),
        ("updates", 1e9, [0.90, 0.20, NAN], [200, 150, 2]),
        ("seconds", None, [0.10, 0.10, NAN], [0, 0, 0.5]),
        ("seconds", 1.9, [0.60, 0.30, NAN], [1.0, 1.5, 0.5]),
        ("seconds", -1, [NAN, NAN, NAN], [NAN, NAN, NAN]),
    ],
)
def test_the_last_measurement_at_or_before_counts(
    axis: str, budget: float | None, values: list[float], at: list[float]
) -> None:
    found = at_equal(CURVES, axis, "val/accuracy", budget)
    assert list(found.index) == ["a", "b", "c"]
    assert list(found["value"]) == pytest.approx(values, nan_ok=True)
    assert list(found["at"]) == pytest.approx(at, nan_ok=True)


def test_the_least_of_the_last_values() -> None:
    assert least(CURVES, "updates") == 2
    assert least(CURVES, "updates", without=["c", "unknown"]) == 150
    assert math.isnan(least(CURVES, "updates", without=["a", "b", "c"]))
    assert math.isnan(least(CURVES, "examples"))


def test_a_curve_or_an_axis_that_is_not_there() -> None:
    for axis, metric in (("examples", "val/accuracy"), ("updates", "test/accuracy")):
        found = at_equal(CURVES, axis, metric)
        assert list(found.index) == ["a", "b", "c"]
        assert found["value"].isna().all()
