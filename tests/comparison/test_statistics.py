"""Intervals and tests against SciPy's own, and against figures of a textbook."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gdexp.comparison.statistics import NONE, PAIRED, WELCH, holm, interval, paired

# Student 1908, "The probable error of a mean", Biometrika 6: hours of sleep that ten patients
# gained with two drugs. Its t is 4.0621, its two-sided p 0.002833.
DEXTRO = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
LAEVO = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

pytestmark = pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # no spread

VALUES = st.lists(st.integers(-1000, 1000).map(lambda k: k / 8), min_size=2, max_size=12)
LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


def by_seed(values: list[float], first: int = 0) -> dict[object, float]:
    return dict(enumerate(values, first))


def close(a: float, b: float) -> bool:
    return a == pytest.approx(b, rel=1e-9, abs=1e-12)


def test_students_sleepers() -> None:
    found = paired(by_seed(LAEVO), by_seed(DEXTRO))
    assert (found.test, found.n) == (PAIRED, 10)
    assert found.mean == pytest.approx(1.58)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


def test_students_sleepers_as_two_groups() -> None:
    """The same figures unpaired, as R's t.test(extra ~ group) has them."""
    found = paired(by_seed(LAEVO), by_seed(DEXTRO, first=100))
    assert (found.test, found.n) == (WELCH, 20)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert (found.low, found.high) == pytest.approx((-0.2054832, 3.3654832), abs=5e-8)


@given(VALUES, LEVELS)
def test_an_interval_is_scipys(values: list[float], level: float) -> None:
    found = interval(values, level)
    assert found.n == len(values)
    error = stats.sem(values)
    if error == 0:
        assert found.low == found.mean == found.high
        return
    low, high = stats.t.interval(level, len(values) - 1, loc=sum(values) / len(values), scale=error)
    assert close(found.low, low)
    assert close(found.high, high)
    assert close(found.mean + found.half, high)


@given(st.lists(st.tuples(*[st.integers(-99, 99)] * 2), min_size=2, max_size=9), LEVELS)
def test_pairs_are_tested_as_scipy_does(pairs: list[tuple[int, int]], level: float) -> None:
    a, b = ([float(pair[at]) for pair in pairs] for at in (0, 1))
    found = paired(by_seed(a), by_seed(b), level)
    if len({x - y for x, y in pairs}) == 1:  # of which SciPy says nan
        assert found.p == (1.0 if a == b else 0.0)
        return
    told = stats.ttest_rel(a, b)
    ends = told.confidence_interval(level)
    assert close(found.p, told.pvalue)
    assert close(found.low, ends.low)
    assert close(found.high, ends.high)


@given(VALUES, VALUES, LEVELS)
def test_groups_are_tested_as_scipy_does(a: list[float], b: list[float], level: float) -> None:
    found = paired(by_seed(a), by_seed(b, first=100), level)
    if len(set(a)) == len(set(b)) == 1:
        assert found.p == (1.0 if a[0] == b[0] else 0.0)
        return
    told = stats.ttest_ind(a, b, equal_var=False)
    ends = told.confidence_interval(level)
    assert close(found.p, told.pvalue)
    assert close(found.low, ends.low)
    assert close(found.high, ends.high)


@given(VALUES, VALUES)
def test_a_difference_turned_round_is_the_same(a: list[float], b: list[float]) -> None:
    for first in (0, 100):
        one, other = by_seed(a), by_seed(b, first)
        there, back = paired(one, other), paired(other, one)
        assert close(there.mean, -back.mean)
        assert close(there.p, back.p)
        assert close(there.low, -back.high)


def test_only_shared_seeds_are_paired() -> None:
    found = paired({0: 1.0, 1: 2.0, 2: 9.0}, {1: 1.5, 0: 0.0, 7: 100.0})
    assert (found.test, found.n, found.mean) == (PAIRED, 2, 0.75)


@pytest.mark.parametrize(
    ("a", "b", "mean"),
    [
        ({0: 3.0}, {0: 1.0}, 2.0),
        ({0: 3.0}, {1: 1.0, 2: 2.0}, 1.5),
        ({0: 3.0, 1: 5.0}, {1: 1.0}, 4.0),  # the one that is shared
        ({}, {1: 1.0}, math.nan),
    ],
)
def test_too_few_are_not_tested(
    a: dict[object, float], b: dict[object, float], mean: float
) -> None:
    found = paired(a, b)
    assert found.test == NONE
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert math.isnan(found.p)
    assert math.isnan(found.low)
    assert "less than two seeds" in found.assumption


def test_a_run_that_diverged_leaves_nothing_to_test() -> None:
    for first in (0, 100):
        found = paired(by_seed([1.0, math.inf, 2.0]), by_seed([1.0, 2.0, 3.0], first))
        assert found.test == NONE
        assert found.mean == math.inf
        assert math.isnan(found.p)
        assert "diverged" in found.assumption
    assert interval([1.0, math.inf]).mean == math.inf
    assert math.isnan(interval([1.0, math.inf]).low)


def test_one_value_has_no_spread_and_none_no_mean() -> None:
    one, none = interval([0.5]), interval([])
    assert (one.mean, one.n, none.n) == (0.5, 1, 0)
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert math.isnan(none.mean)


def test_holm_by_hand() -> None:
    # 0.005 · 4, then 0.01 · 3, 0.03 · 2, 0.04 · 1, and none below one before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.9, math.nan, 0.8])
    assert corrected[0] == corrected[2] == 1.0
    assert math.isnan(corrected[1])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferronis(ps: list[float]) -> None:
    corrected = holm(ps)
    for p, each in zip(ps, corrected, strict=True):
        assert p <= each <= min(1.0, p * len(ps))
    assert [c for _, c in sorted(zip(ps, corrected, strict=True))] == sorted(corrected)
