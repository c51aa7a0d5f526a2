"""Norms and saturation against their definitions."""

import numpy as np
import pytest

from gdexp.data import Dataset
from gdexp.descent import FullGradient, Scaling, State, descent
from gdexp.diagnostics import Norms, Waypoint
from gdexp.diagnostics.saturation import SATURATED, saturation
from gdexp.problems import ACTIVATIONS, Architecture, Network, Quadratic
from tests.conftest import examples, small_dataset
from tests.diagnostics.conftest import Show


def network(activation: str = "sigmoid", hidden: tuple[int, ...] = (4, 5)) -> Network:
    return Network(Architecture(list(hidden), activation), Quadratic(), small_dataset())


def test_norms_of_layers_make_up_those_of_all(show: Show) -> None:
    problem = network()
    v = problem.start(np.random.default_rng(1))
    before = v - 0.5
    seen = Norms().look(show(problem, v, 2, 20, previous=Waypoint(0, 0, before))).metrics
    gradient = problem.gradient(v, slice(0, problem.n)) / problem.n
    assert seen["grad/norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-14)
    assert seen["weights/norm"] == pytest.approx(np.linalg.norm(v), rel=1e-14)
    assert seen["update/norm"] == pytest.approx(0.5 * np.sqrt(v.size) / 20, rel=1e-14)
    ratio = seen["update/norm"] / seen["weights/norm"]
    assert seen["grad/update_ratio"] == pytest.approx(ratio, rel=1e-14)
    for name in ("grad/norm", "weights/norm", "update/norm"):
        squares = sum(seen[f"{name}_layer_{l}"] ** 2 for l in (1, 2, 3))
        assert squares == pytest.approx(seen[name] ** 2, rel=1e-13)
    w, b = problem.layers(v)[1]
    own = np.sqrt((w**2).sum() + (b**2).sum())
    assert seen["weights/norm_layer_2"] == pytest.approx(own, rel=1e-14)


def test_the_update_of_gradient_descent_is_eta_times_the_gradient(show: Show) -> None:
    problem = network()
    state, eta = State.begin(problem, 0), 0.25
    before, start = Waypoint(0, 0, state.v.copy()), show(problem, state.v.copy())
    gradient = Norms().look(start).metrics["grad/norm"]
    for _ in descent(problem, FullGradient(), Scaling(), state, eta=eta, epochs=1):
        pass
    seen = Norms().look(show(problem, state.v, 1, 1, previous=before)).metrics
    assert seen["update/norm"] == pytest.approx(eta * gradient, rel=1e-10)


def test_without_an_earlier_look_there_is_no_update(show: Show) -> None:
    problem = network()
    seen = Norms().look(show(problem, problem.start(np.random.default_rng(1)))).metrics
    assert not [name for name in seen if "update" in name]


@pytest.mark.parametrize("name", SATURATED)
def test_saturated_is_where_the_slope_is_below_a_twenty_fifth_of_its_largest(name: str) -> None:
    if name == "softmax":  # its inputs are not independent
        return
    z, h = np.linspace(-9, 9, 2000)[:, None], 1e-6
    f = ACTIVATIONS[name].of
    slope = (f(z + h) - f(z - h)) / (2 * h)
    flat = slope < np.max(slope) / 25
    away = np.abs(slope - np.max(slope) / 25) > 1e-3  # not at the very edge
    np.testing.assert_array_equal(SATURATED[name](f(z))[away], flat[away])


def test_shares_count_pairs_and_dead_units(show: Show) -> None:
    data = small_dataset()
    problem = Network(Architecture([2], "relu"), Quadratic(), data)
    v = np.zeros(problem.size)
    w, b = problem.layers(v)[0]
    b[:] = [-1, 0]  # the first unit is never on
    w[1, 0], middle = 1.0, float(np.median(data.train.inputs[:, 0]))
    b[1] = -middle  # the second on half of the examples, but for the one in the middle
    (layer,) = saturation(problem, v, np.arange(problem.n))
    assert layer.dead == 0.5
    assert layer.share == pytest.approx((23 + 12) / 46)
    found = Norms().look(show(problem, v))
    assert found.metrics["units/dead_layer_1"] == 0.5
    assert found.metrics["units/saturated_layer_1"] == layer.share
    assert any("layer 1: 50% of the units" in note for note in found.notes)


def test_large_weights_saturate_and_advice_is_given(show: Show) -> None:
    rng = np.random.default_rng(3)
    train, validation, test = (examples(rng, n, 400, 3) for n in (50, 9, 9))
    data = Dataset("wide", train, validation, test, classes=3, source="drawn")
    problem = Network(Architecture([30]), Quadratic(), data)
    found = Norms().look(show(problem, problem.start(np.random.default_rng(1))))
    assert found.metrics["units/saturated_layer_1"] > 0.5
    assert any("scaled_normal" in note for note in found.notes)
    scaled = Network(Architecture([30], initialization="scaled_normal"), Quadratic(), data)
    found = Norms().look(show(scaled, scaled.start(np.random.default_rng(1))))
    assert found.metrics["units/saturated_layer_1"] < 0.1
    assert not found.notes


def test_a_zero_start_has_no_ratio(show: Show) -> None:
    problem = network(hidden=())
    v = np.zeros(problem.size)
    seen = Norms().look(show(problem, v, 1, 1, previous=Waypoint(0, 0, v + 1))).metrics
    assert seen["update/norm"] > 0
    assert not [name for name in seen if "ratio" in name]
