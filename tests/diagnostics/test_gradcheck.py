"""The gradient check finds errors, and only errors."""

from typing import Any

import numpy as np
import pytest

from gdexp.data import Dataset
from gdexp.descent import MiniBatch, Scaling, State, descent
from gdexp.diagnostics import GradCheck
from gdexp.errors import GdexpError
from gdexp.problems import Architecture, CrossEntropy, Network, Quadratic
from tests.conftest import small_dataset
from tests.diagnostics.conftest import Show


class Wrong(Network):
    """A network whose gradient is off in one layer."""

    factor, layer = 1.0, 0

    def gradient(self, v: Any, batch: Any) -> Any:
        nabla = super().gradient(v, batch)
        for part in self.layers(nabla)[self.layer]:
            part *= self.factor
        return nabla


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity", "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backprop_passes_also_in_single_precision(activation: str, dtype: str, show: Show) -> None:
    architecture = Architecture([7, 5], activation, "softmax", "scaled_normal")
    single = Network(architecture, CrossEntropy(), small_dataset(), dtype)
    exact = Network(architecture, CrossEntropy(), small_dataset())
    state = State.begin(single, 0)
    for epoch in descent(single, MiniBatch(5), Scaling(), state, eta=0.1, epochs=3):
        sight = show(single, state.v, epoch.number, exact=exact)
        seen = GradCheck().look(sight).metrics
        assert seen["gradcheck/error"] < 1e-6
        layers = [seen[f"gradcheck/error_layer_{l}"] for l in (1, 2, 3)]
        assert max(layers) == seen["gradcheck/error"]


@pytest.mark.parametrize("layer", [0, 1])
def test_an_error_in_one_layer_is_named_and_fails(layer: int, show: Show) -> None:
    problem = Wrong(Architecture([4]), Quadratic(), small_dataset())
    problem.factor, problem.layer = 1 + 1e-4, layer
    v = problem.start(np.random.default_rng(1))
    with pytest.raises(
        GdexpError, match=rf"of layer {layer + 1} after epoch 7 .* 0\.0001;"
    ) as told:
        GradCheck().look(show(problem, v, 7))
    assert "\n" not in str(told.value)
    seen = GradCheck(threshold=1e-3).look(show(problem, v)).metrics
    assert seen[f"gradcheck/error_layer_{layer + 1}"] == pytest.approx(1e-4, rel=0.01)


def test_a_gradient_that_is_not_a_number_fails(show: Show) -> None:
    problem = Wrong(Architecture([4]), Quadratic(), small_dataset())
    problem.factor = float("nan")
    v = problem.start(np.random.default_rng(1))
    with pytest.raises(GdexpError, match="relative error of nan"):
        GradCheck().look(show(problem, v))


def test_a_kink_beside_the_point_is_no_error(show: Show) -> None:
    data = small_dataset()
    problem = Network(Architecture([1], "relu"), Quadratic(), data)
    v = problem.start(np.random.default_rng(1))
    (w, b), *_ = problem.layers(v)
    z = problem.dataset.train.x(slice(0, 23)) @ w[0]
    b[0] = -np.sort(z)[11] + 2e-6  # within the larger step of one example's kink
    assert GradCheck(examples=23).look(show(problem, v)).metrics["gradcheck/error"] < 1e-6


def test_only_a_sample_of_coordinates_is_asked_for(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Network(Architecture([30]), Quadratic(), small_dataset())
    v, cost = problem.start(np.random.default_rng(1)), problem.cost
    asked: list[Any] = []

    def counted(v: Any, batch: Any) -> float:
        asked.append(batch)
        return cost(v, batch)

    monkeypatch.setattr(problem, "cost", counted)
    GradCheck(examples=4, coordinates=10).look(show(problem, v))
    assert len(asked) == 2 * 10 * 2
    assert {len(batch) for batch in asked} == {4}


@pytest.mark.parametrize("n", [5, 23])
def test_on_real_digits_after_training(n: int, show: Show, digits: Dataset) -> None:
    problem = Network(Architecture([20], "relu", initialization="he"), Quadratic(), digits)
    state = State.begin(problem, n)
    for _ in descent(problem, MiniBatch(10), Scaling(), state, eta=0.5, epochs=5):
        pass
    GradCheck(examples=n).look(show(problem, state.v))
