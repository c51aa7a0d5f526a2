"""The parts of a network, each against an opinion from elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import accuracy_score, log_loss

from gdexp.errors import SettingError
from gdexp.problems import ACTIVATIONS, Architecture, CrossEntropy, Network, Quadratic
from tests.conftest import small_dataset

ORACLES = {
    "sigmoid": special.expit,
    "softmax": lambda z: special.softmax(z, axis=-1),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0),
    "identity": lambda z: z,
}


@given(st.lists(st.floats(-700, 700), min_size=3, max_size=3))
def test_activations_are_scipys(row: list[float]) -> None:
    z = np.array([row])
    for name, activation in ACTIVATIONS.items():
        np.testing.assert_allclose(activation.of(z), ORACLES[name](z), rtol=1e-13, atol=1e-300)


def test_flat_vector_and_layers_are_one_memory() -> None:
    network = Network(Architecture([5, 4]), Quadratic(), small_dataset())
    v = network.start(np.random.default_rng(0))
    assert network.sizes == (6, 5, 4, 3)
    assert network.size == v.size == 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    for w, b in network.layers(v):
        w[:] = 1
        b[:] = 2
    assert set(v) == {1.0, 2.0}


def test_two_by_twenty_on_mnist_has_the_parameters_that_the_menu_says() -> None:
    data = small_dataset(n_in=784, classes=10)
    assert Network(Architecture([20, 20]), Quadratic(), data).size == 16_330


@pytest.mark.parametrize(
    ("name", "variance", "bias"),
    [
        ("normal", 1.0, 1.0),
        ("scaled_normal", 1 / 400, 1.0),
        ("glorot", 2 / 500, 0.0),
        ("he", 2 / 400, 0.0),
    ],
)
def test_initial_weights_have_their_variance(name: str, variance: float, bias: float) -> None:
    rng = np.random.default_rng(0)
    draws = [Architecture([], initialization=name).draw(rng, 400, 100) for _ in range(25)]
    w = np.stack([w for w, _ in draws])
    b = np.stack([b for _, b in draws])
    # The standard error of a variance of N normal draws is √(2/N) of it: here 0.14 %, and 2.8 %.
    assert w.var() == pytest.approx(variance, rel=0.006)
    assert b.var() == pytest.approx(bias, rel=0.12)
    assert abs(w.mean()) < 4 * np.sqrt(variance / w.size)


def test_float32_starts_from_the_same_draw() -> None:
    double = Network(Architecture([4]), Quadratic(), small_dataset())
    single = Network(Architecture([4]), Quadratic(), small_dataset(), np.float32)
    v, w = (network.start(np.random.default_rng(3)) for network in (double, single))
    assert w.dtype == np.float32
    np.testing.assert_array_equal(v.astype(np.float32), w)
    assert single.gradient(w, slice(0, 5)).dtype == np.float32


def test_measures_are_scikit_learns() -> None:
    network = Network(Architecture([4], "tanh", "softmax"), CrossEntropy(), small_dataset())
    v = network.start(np.random.default_rng(2))
    for name, examples in network.dataset.parts.items():
        a = network.outputs(v, examples.x(slice(None)))
        measure = network.measure(v)[name]
        assert measure.n == len(examples)
        assert measure.accuracy == accuracy_score(examples.labels, a.argmax(axis=1))
        assert measure.cost / measure.n == pytest.approx(log_loss(examples.labels, a), rel=1e-9)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_the_cross_entropy_of_a_saturated_output_is_its_true_value(output: str) -> None:
    z, y = np.array([[-1000.0, 1000.0]]), np.array([[1.0, 0.0]])
    a = np.array([[0.0, 1.0]])
    expected = 2000.0  # ln(1 + e¹⁰⁰⁰) twice; ln(e⁰ + e²⁰⁰⁰) once
    assert CrossEntropy().of(output, z, a, y) == pytest.approx(expected)


def test_the_quadratic_cost_is_half_the_squared_distance() -> None:
    a, y = np.array([[0.0, 3.0], [1.0, 1.0]]), np.array([[4.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(Quadratic().of("identity", a, a, y), [12.5, 0.5])


def test_classes_that_are_not_recognised_are_found() -> None:
    network = Network(Architecture([]), Quadratic(), small_dataset())
    v = np.zeros(network.size)
    (_, b), *_ = network.layers(v)
    b[:] = [0, -9, 5]  # whatever the input, class 2 wins
    assert network.lost_classes(v) == [0, 1]


def test_a_class_is_lost_below_a_share_of_its_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_dataset(classes=2)
    data.validation.inputs[:] = 0
    data.validation.inputs[0] = 9  # one of four of class 0 is told apart
    data.validation.labels[:] = [0, 0, 0, 0, 1, 1, 1]
    network = Network(Architecture([]), Quadratic(), data)
    v = np.zeros(network.size)
    ((w, b),) = network.layers(v)
    w[0], b[1] = 1, 1
    assert network.lost_classes(v) == []
    monkeypatch.setattr("gdexp.problems.network.LOST", 0.26)
    assert network.lost_classes(v) == [0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hidden": [0]}, "hidden must be a list of whole numbers from 1 to 1,000,000. Got [0]"),
        ({"hidden": [3.0]}, "Got [3.0]"),
        ({"hidden": 30}, "Got 30"),
        ({"hidden": "30"}, "Got '30'"),
        ({"hidden": [30], "activation": "foo"}, "activation must be one of sigmoid, tanh, relu,"),
        ({"hidden": [30], "initialization": 3}, "initialization must be one of normal,"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingError) as refused:
        Architecture(**settings)  # type: ignore[arg-type]
    assert told in str(refused.value)
