"""Linear regression against least squares, and its coefficients in original units."""

import mlflow.utils.validation
import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import Dataset, Examples
from gdexp.descent import (
    Evaluation,
    FullGradient,
    MiniBatch,
    Scaling,
    State,
    central_differences,
    descent,
)
from gdexp.errors import GdexpError
from gdexp.problems import LinearRegression
from tests.conftest import small_dataset

Array = NDArray[np.float64]
SLOPES = np.array([2.0, -0.5, 30.0])
INTERCEPT = -7.0


def raw(n: int = 40, noise: float = 0.0) -> tuple[Array, Array]:
    """Draw inputs in very different units, and targets on a plane, but for noise."""
    rng = np.random.default_rng(1)
    inputs = rng.normal([100, 0, 0.5], [20, 3, 0.1], (n, 3))
    return inputs, INTERCEPT + inputs @ SLOPES + noise * rng.standard_normal(n)


def regression_data(noise: float = 0.0, standardised: bool = True) -> Dataset:
    inputs, targets = raw(noise=noise)
    shift, spread = inputs[:25].mean(axis=0), inputs[:25].std(axis=0)
    x = (inputs - shift) / spread if standardised else inputs
    cuts = (slice(0, 25), slice(25, 40), slice(40, 40))
    train, validation, test = (Examples(x[cut], targets[cut]) for cut in cuts)
    return Dataset(
        "planes",
        train,
        validation,
        test,
        classes=0,
        source="drawn",
        feature_names=("size", "slope", "share"),
        shift=tuple(shift) if standardised else (),
        spread=tuple(spread) if standardised else (),
    )


def test_the_gradient_is_what_differences_give() -> None:
    problem = LinearRegression(regression_data(noise=3.0))
    v = np.array([1.0, -2.0, 3.0, 0.5])
    for batch in (slice(0, 25), slice(3, 4), np.array([7, 1, 19])):
        expected = central_differences(lambda at, batch=batch: problem.cost(at, batch), v)  # type: ignore[misc]
        np.testing.assert_allclose(problem.gradient(v, batch), expected, rtol=1e-6)


def test_the_cost_is_half_the_sum_of_squared_errors() -> None:
    data = regression_data(noise=3.0)
    problem, v = LinearRegression(data), np.array([1.0, -2.0, 3.0, 0.5])
    measured = problem.measure(v)
    assert set(measured) == {"train", "val"}  # there is no test set
    for name, measure in measured.items():
        part = data.parts[name]
        errors = [
            y - (v[0] + sum(v[1:] * x)) for x, y in zip(part.inputs, part.labels, strict=True)
        ]
        assert measure.cost == pytest.approx(0.5 * sum(e**2 for e in errors))
        assert (measure.n, measure.accuracy) == (len(part), None)
    assert problem.cost(v, slice(0, 25)) == pytest.approx(measured["train"].cost)


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize("standardised", [True, False])
def test_the_closed_form_in_original_units_solves_the_normal_equations(
    noise: float, standardised: bool
) -> None:
    problem = LinearRegression(regression_data(noise, standardised))
    inputs, targets = raw(noise=noise)
    x = np.column_stack([np.ones(25), inputs[:25]])
    expected = np.linalg.solve(x.T @ x, x.T @ targets[:25])
    told = problem.coefficients(problem.closed_form)
    assert list(told) == ["intercept", "size", "slope", "share"]
    np.testing.assert_allclose(list(told.values()), expected, rtol=1e-8)
    if noise == 0:
        np.testing.assert_allclose(expected, [INTERCEPT, *SLOPES], rtol=1e-8)


@pytest.mark.parametrize("update", ["mean", "sum"])
def test_descent_reaches_the_closed_form(update: str) -> None:
    problem = LinearRegression(regression_data(noise=3.0))
    scaling, state = Scaling("sum", update), State.begin(problem, 0)
    eta = 0.3 if update == "mean" else 0.3 / 25
    *_, last = descent(problem, FullGradient(), scaling, state, eta=eta, epochs=400)
    assert problem.distance(state.v) < 1e-8
    assert problem.figures(state.v)["closed_form/distance"] == problem.distance(state.v)
    x, y = problem.dataset.train.inputs, problem.dataset.train.labels
    line = problem.outputs(state.v, x)
    assert last.cost == pytest.approx(0.5 * ((y - line) ** 2).sum())


def test_without_noise_single_examples_lead_there_too() -> None:
    problem = LinearRegression(regression_data())
    state = State.begin(problem, 0)
    *_, _ = descent(problem, MiniBatch(1), Scaling(), state, eta=0.05, epochs=500)
    assert problem.distance(state.v) < 1e-8


def test_it_diverges_beyond_the_eta_that_the_curvature_gives() -> None:
    problem = LinearRegression(regression_data(noise=3.0))
    curvature = problem.curvature()
    assert curvature is not None
    limit = 2 * problem.n / curvature
    costs = {}
    rest = (problem, FullGradient(), Scaling())
    for share in (0.999, 1.001):
        eta, state, seldom = share * limit, State.begin(problem, 0), Evaluation(10_000)
        *_, last = descent(*rest, state, eta=eta, epochs=10_000, evaluation=seldom)
        costs[share] = last.cost - problem.measure(problem.closed_form)["train"].cost / 25
    assert costs[0.999] == pytest.approx(0, abs=1e-9)
    assert costs[1.001] > 1e9


def test_features_without_names_are_numbered_and_collinear_ones_have_no_curvature() -> None:
    x = np.repeat(np.arange(6.0)[:, None], 2, axis=1)
    part = Examples(x, np.arange(6.0))
    problem = LinearRegression(Dataset("twins", part, part, part, classes=0, source="made"))
    assert problem.features == ("x1", "x2")
    assert problem.curvature() is None
    np.testing.assert_allclose(problem.closed_form, [0, 0.5, 0.5], atol=1e-12)


def test_single_precision_is_kept() -> None:
    problem = LinearRegression(regression_data(), np.float32)
    v = problem.start(np.random.default_rng(0))
    assert v.dtype == problem.gradient(v, slice(0, 5)).dtype == np.float32


def test_the_line_is_told_in_original_units() -> None:
    problem = LinearRegression(regression_data())
    told = problem.told(problem.closed_form)
    assert told["line"] == "ŷ = -7 + 2 size - 0.5 slope + 30 share, in original units"
    assert problem.title == "linear regression of 3 features on planes"


def test_many_features_are_told_and_logged_in_short() -> None:
    rng = np.random.default_rng(0)
    part = Examples(rng.standard_normal((60, 25)), rng.standard_normal(60))
    problem = LinearRegression(Dataset("wide", part, part, part, classes=0, source="drawn"))
    v = problem.closed_form
    assert set(problem.figures(v)) == {"closed_form/distance"}
    assert problem.told(v)["line"].endswith(" x20 and 5 more, in original units")
    assert problem.params()["problem.features"].endswith(" x20 and 5 more")


def test_figures_have_names_that_mlflow_takes() -> None:
    part = Examples(np.eye(3), np.arange(3.0))
    names = ("colour=red", "colour[red", "m²/s")
    data = Dataset("odd", part, part, part, classes=0, source="made", feature_names=names)
    figures = LinearRegression(data).figures(np.zeros(4))
    assert len(figures) == 5
    for name in figures:
        mlflow.utils.validation._validate_metric_name(name)  # type: ignore[no-untyped-call]


def test_classes_are_refused_in_one_line() -> None:
    with pytest.raises(GdexpError) as refused:
        LinearRegression(small_dataset())
    assert str(refused.value) == (
        "problem=linear_regression needs data whose targets are numbers. Got small, with 3 classes."
        " Write for example data=houses."
    )
