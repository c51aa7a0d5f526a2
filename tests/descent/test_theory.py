"""Descent against what is known exactly: on quadratic bowls every step is a contraction."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.descent import (
    Batch,
    FixedLength,
    FullGradient,
    MiniBatch,
    Online,
    Rule,
    Scaling,
    State,
    Vector,
    descent,
)
from gdexp.measure import Measure
from gdexp.problems import Conditioned, Function, Surface


class Bowls:
    """C_x(v) = ‖v − x‖² for n points x: their mean is a bowl around the mean point."""

    def __init__(self, points: Vector) -> None:
        self.points, (self.n, self.size) = points, points.shape

    def start(self, rng: np.random.Generator) -> Vector:
        start: Vector = rng.standard_normal((self.size,))
        return start

    def weights(self, v: Vector) -> list[Vector]:
        return [v]

    def gradient(self, v: Vector, batch: Batch) -> Vector:
        nabla: Vector = 2 * (v - self.points[batch]).sum(axis=0)
        return nabla

    def measure(self, v: Vector) -> Mapping[str, Measure]:
        return {"train": Measure(float(((v - self.points) ** 2).sum()), self.n, 0)}


ORIGIN = Bowls(np.zeros((1, 2)))  # C(v) = v₁² + v₂²


@pytest.mark.parametrize("eta", [0.05, 0.25, 0.5, 0.75, 0.99, 1.0])
def test_each_step_contracts_by_one_minus_two_eta(eta: float) -> None:
    state = State(np.array([3.0, -1.0]), np.random.default_rng(0))
    for epoch in descent(ORIGIN, FullGradient(), Scaling(), state, eta=eta, epochs=20):
        factor = (1 - 2 * eta) ** epoch.number
        assert epoch.cost == pytest.approx(10 * factor**2, rel=1e-12, abs=1e-30)
        np.testing.assert_allclose(state.v, factor * np.array([3.0, -1.0]), rtol=1e-12, atol=1e-30)


def test_beyond_eta_one_it_diverges_and_ends_there() -> None:
    state = State(np.array([3.0, -1.0]), np.random.default_rng(0))
    epochs = list(descent(ORIGIN, FullGradient(), Scaling(), state, eta=50.0, epochs=1000))
    assert epochs[-1].diverged
    assert not any(epoch.diverged for epoch in epochs[:-1])
    # The cost overflows once (2·50 − 1)^2k · 10 > 1.8e308.
    assert len(epochs) - 1 == int(np.ceil((np.log10(1.797e308) - 1) / (2 * np.log10(99))))


@given(
    eta=st.floats(0.001, 0.4),
    n=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_descent_reaches_the_mean_at_the_known_rate(eta: float, n: int, seed: int) -> None:
    problem = Bowls(np.random.default_rng(seed).standard_normal((n, 3)))
    state = State.begin(problem, seed)
    mean, start = problem.points.mean(axis=0), state.v.copy()
    *_, _ = descent(problem, FullGradient(), Scaling(), state, eta=eta, epochs=9)
    np.testing.assert_allclose(state.v - mean, (1 - 2 * eta) ** 9 * (start - mean), atol=1e-12)


@given(
    optimizer=st.sampled_from([FullGradient(), MiniBatch(4), MiniBatch(12), Online()]),
    eta=st.floats(0.01, 0.4),
    seed=st.integers(0, 2**32 - 1),
)
def test_mean_with_eta_is_sum_with_eta_over_m(
    optimizer: FullGradient | MiniBatch | Online, eta: float, seed: int
) -> None:
    problem = Bowls(np.random.default_rng(seed).standard_normal((12, 2)))
    mean, total = Scaling("mean", "mean"), Scaling("sum", "sum")
    m = optimizer.batch_size(problem.n)
    ends = []
    for scaling, rate in ((mean, eta), (total, mean.other_eta(eta, m))):
        state = State.begin(problem, seed)
        costs = [e.cost for e in descent(problem, optimizer, scaling, state, eta=rate, epochs=5)]
        ends.append((state.v, costs))
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(np.multiply(ends[0][1], 12), ends[1][1], rtol=1e-12)
    assert total.other_eta(mean.other_eta(eta, m), m) == pytest.approx(eta, rel=1e-15)


def test_a_ragged_last_batch_weighs_its_examples_more_under_mean_and_not_under_sum() -> None:
    problem = Bowls(np.zeros((5, 1)))
    steps = {}
    for update in ("mean", "sum"):
        state = State(np.array([1.0]), np.random.default_rng(0))
        *_, last = descent(problem, MiniBatch(4), Scaling("mean", update), state, eta=0.1, epochs=1)
        assert (last.updates, last.examples) == (2, 5)
        steps[update] = state.v[0]
    assert steps["mean"] == pytest.approx((1 - 0.2) * (1 - 0.2))
    assert steps["sum"] == pytest.approx((1 - 4 * 0.2) * (1 - 0.2))


def test_the_first_point_and_the_orders_come_from_independent_streams() -> None:
    wide, narrow = Bowls(np.zeros((8, 50))), Bowls(np.zeros((8, 2)))
    one, other = (State.begin(problem, 7).rng.permutation(8) for problem in (wide, narrow))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(State.begin(narrow, 7).v, State.begin(narrow, 8).v)


def path(function: Function, eta: float, epochs: int, rule: Rule | None = None) -> Vector:
    """Descend, and give every point on the way: shape (epochs + 1, p)."""
    surface, points = Surface(function), []
    state = State.begin(surface, 0)
    for _ in descent(surface, FullGradient(), Scaling(), state, eta=eta, epochs=epochs, rule=rule):
        points.append(state.v.copy())
    return np.array(points)


@given(eta=st.floats(0.001, 1.5), x=st.floats(-9, 9), y=st.floats(-9, 9))
def test_on_the_bowl_each_step_contracts_by_one_minus_two_eta(
    eta: float, x: float, y: float
) -> None:
    points = path(Function("v1**2 + v2**2", start=[x, y]), eta, 12)
    expected = np.array([(1 - 2 * eta) ** k * np.array([x, y]) for k in range(13)])
    # A step rounds at the size of v, and so does 1 − 2η where it nearly cancels.
    np.testing.assert_allclose(points, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("eta", "diverges"), [(0.999, False), (1.0, False), (1.001, True)])
def test_the_bowl_diverges_beyond_eta_one(eta: float, diverges: bool) -> None:
    points = path(Function("v1**2 + v2**2", start=[3.0, -1.0]), eta, 2000)
    away = np.linalg.norm(points, axis=1)
    assert (away[-1] > 40 * away[0]) == diverges
    assert (away[-1] <= away[0]) == (not diverges)
    assert Surface(Function("v1**2 + v2**2")).largest_eta() == 1


@pytest.mark.parametrize("condition", [1.5, 10.0, 300.0])
def test_on_the_ellipse_the_best_eta_gives_the_known_rate(condition: float) -> None:
    """(κ − 1)/(κ + 1) with η = 2/(1 + κ), where λ is from 1 to κ (Nesterov 2004, th. 2.1.15)."""
    formula, start = "((v1 + v2)**2 + condition*(v1 - v2)**2)/4", [-1.5, 0.5]
    function = Conditioned(formula, start, condition=condition)

    def rate(eta: float) -> float:
        away = np.linalg.norm(path(function, eta, int(20 + 4 * condition)), axis=1)
        return float((away[-1] / away[-21]) ** (1 / 20))

    best = 2 / (1 + condition)
    known = (condition - 1) / (condition + 1)
    assert rate(best) == pytest.approx(known, rel=1e-6)
    assert rate(0.95 * best) > known
    assert rate(1.05 * best) > known


@pytest.mark.parametrize(
    "function",
    [
        Function("(1 - x)**2 + 100*(y - x**2)**2", start=[-1.2, 1.0]),
        Function("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", start=[1.0, 0.5]),
        Function("exp(sin(x)) + log(2 + y**2)*tanh(x*y)", start=[0.3, -0.8]),
        Function("sqrt(1 + x**2)", start=[1.0]),
    ],
    ids=lambda function: function.formula,
)
def test_to_first_order_a_step_brings_the_cost_down_by_eta_times_the_squared_gradient(
    function: Function,
) -> None:
    """ΔC = −η‖∇C‖² + O(η²) (Nielsen, ch. 1, eqs. 9 to 12): the error has the slope 2 in η."""
    surface = Surface(function)
    v = surface.start(np.random.default_rng(0))
    squared = float(surface.gradient(v) @ surface.gradient(v))
    etas = 0.1 / squared * 2.0 ** -np.arange(6, 14)
    errors = []
    for eta in etas:
        start, end = path(function, eta, 1)
        change = surface.cost(end) - surface.cost(start)
        errors.append(abs(change + eta * squared))
        assert change < 0
    slope = np.polyfit(np.log(etas), np.log(errors), 1)[0]
    assert slope == pytest.approx(2, abs=0.1)


def test_a_fixed_length_moves_by_eta_in_each_step() -> None:
    function = Function("(1 - x)**2 + 100*(y - x**2)**2", start=[-1.2, 1.0])
    steps = np.diff(path(function, 0.01, 50, FixedLength()), axis=0)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 0.01, rtol=1e-12)


def test_on_the_saddle_it_falls_off_the_ridge_at_the_known_rate() -> None:
    points = path(Function("v1**2 - v2**2", start=[-1.5, 0.001]), 0.1, 40)
    np.testing.assert_allclose(points[:, 0], -1.5 * 0.8 ** np.arange(41), rtol=1e-12)
    np.testing.assert_allclose(points[:, 1], 0.001 * 1.2 ** np.arange(41), rtol=1e-12)
