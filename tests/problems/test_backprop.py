"""Backpropagation against central differences, over everything in the menu."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from gdexp import menu
from gdexp.descent import central_differences, relative_error
from gdexp.errors import SettingError
from gdexp.problems import ACTIVATIONS, Architecture, Cost, CrossEntropy, Network, Quadratic
from tests.conftest import small_dataset

FOLDER = Path(__file__).parents[2] / "conf" / "architecture"
OPTIONS = {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}
HIDDEN = {str(each): each for each in (menu.values(OPTIONS, name)["hidden"] for name in OPTIONS)}
WIDE = 40  # units: of networks beyond, which take longest, each activation is tried with itself
COSTS: dict[str, Cost] = {"quadratic": Quadratic(), "cross_entropy": CrossEntropy()}
DEFINED = [
    (cost, output)
    for cost, output in product(COSTS, ACTIVATIONS)
    if cost == "quadratic" or output in ("sigmoid", "softmax")
]


CASES = [
    (hidden, activation, *defined)
    for hidden, activation, defined in product(HIDDEN, ACTIVATIONS, DEFINED)
    if sum(HIDDEN[hidden]) <= WIDE or activation in defined
]


@pytest.mark.parametrize(("hidden", "activation", "cost", "output"), CASES)
def test_backprop_is_the_gradient(hidden: str, activation: str, cost: str, output: str) -> None:
    architecture = Architecture([*HIDDEN[hidden]], activation, output, "scaled_normal")
    network = Network(architecture, COSTS[cost], small_dataset(n=5))
    v = network.start(np.random.default_rng(1))
    batch = np.array([3, 0, 4])
    numerical = central_differences(lambda at: network.cost(at, batch), v)
    assert relative_error(network.gradient(v, batch), numerical) < 1e-6


@pytest.mark.parametrize("output", ["tanh", "relu", "identity"])
def test_cross_entropy_refuses_outputs_that_are_no_probabilities(output: str) -> None:
    with pytest.raises(SettingError, match=r"architecture\.output_activation must be sigmoid or"):
        Network(Architecture([4], "tanh", output), CrossEntropy(), small_dataset())


def test_a_wrong_gradient_would_be_seen() -> None:
    network = Network(Architecture([4]), Quadratic(), small_dataset())
    v = network.start(np.random.default_rng(1))
    wrong = network.gradient(v, slice(0, 9)) * (1 + 1e-5)
    numerical = central_differences(lambda at: network.cost(at, slice(0, 9)), v)
    assert relative_error(wrong, numerical) > 1e-6


@pytest.mark.parametrize("cost", COSTS)
def test_a_batch_is_the_sum_of_its_examples_however_it_is_cut(
    cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(Architecture([4]), COSTS[cost], small_dataset())
    v = network.start(np.random.default_rng(1))
    alone = sum(network.gradient(v, np.array([i])) for i in range(23))
    whole, cost_of_all = network.gradient(v, slice(0, 23)), network.cost(v, slice(0, 23))
    np.testing.assert_allclose(whole, alone, rtol=1e-12)
    monkeypatch.setattr("gdexp.problems.network.BLOCK", 5)
    np.testing.assert_allclose(network.gradient(v, slice(0, 23)), whole, rtol=1e-12)
    np.testing.assert_allclose(network.gradient(v, np.arange(23)), whole, rtol=1e-12)
    assert network.cost(v, slice(0, 23)) == pytest.approx(cost_of_all, rel=1e-13)
    assert network.measure(v)["train"].cost == pytest.approx(cost_of_all, rel=1e-13)
