"""Two engines on one descent, and how near each other they have to end."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from gdexp.data import Dataset, Examples
from gdexp.descent import FullGradient, MiniBatch, Online, Optimizer, Scaling, State, descent
from gdexp.engines import Blas, Compiled, Engine, Reference
from gdexp.engines.compiled.engine import installed
from gdexp.problems import ACTIVATIONS, Architecture, Cost, CrossEntropy, Network, Quadratic

Kind = Callable[[str], Engine]  # an engine, of a precision
ENGINES = [
    Blas,
    pytest.param(
        Compiled,
        marks=pytest.mark.skipif(
            not installed(), reason="not run: no Numba; pip install 'gdexp[compiled]'"
        ),
    ),
]
each_engine = pytest.mark.parametrize("engine", ENGINES)
OPTIMIZERS = [FullGradient(), MiniBatch(5), MiniBatch(7), Online()]
COSTS: dict[str, Cost] = {"quadratic": Quadratic(), "cross_entropy": CrossEntropy()}
DEFINED = [
    (cost, output)
    for cost, output in product(COSTS, ACTIVATIONS)
    if cost == "quadratic" or output in ("sigmoid", "softmax")
]


def thinned(dataset: Dataset, density: float, seed: int = 0) -> Dataset:
    """The same data set with a share of its inputs set to zero."""
    rng = np.random.default_rng(seed)
    train, validation, test = (
        Examples(np.where(rng.random(part.inputs.shape) < density, part.inputs, 0.0), part.labels)
        for part in dataset.parts.values()
    )
    return Dataset("thin", train, validation, test, classes=dataset.classes, source="drawn")


def first(dataset: Dataset, n: int) -> Dataset:
    """The same data set with no more than n examples in each part."""
    train, validation, test = (
        Examples(part.inputs[:n], part.labels[:n], part.scale) for part in dataset.parts.values()
    )
    return replace(dataset, train=train, validation=validation, test=test)


def end(
    engine: Engine,
    dataset: Dataset,
    architecture: Architecture,
    cost: Cost,
    optimizer: Optimizer,
    scaling: Scaling = Scaling(),  # noqa: B008 - frozen
    eta: float = 0.05,
    epochs: int = 1,
    **more: Any,
) -> tuple[State, list[Any]]:
    network = Network(architecture, cost, dataset, engine.dtype)
    state = State.begin(network, seed=3)
    carrier = engine.prepare(network)
    more |= {"eta": eta, "epochs": epochs, "carrier": carrier}
    run = descent(network, optimizer, scaling, state, **more)
    return state, list(run)


def assert_same(engine: Kind, dataset: Dataset, *rest: Any, **more: Any) -> None:
    """1e-12 in float64 after an epoch, relative to the largest parameter and to each cost."""
    ours, epochs = end(engine("float64"), dataset, *rest, **more)
    reference, expected = end(Reference("float64"), dataset, *rest, **more)
    assert np.abs(ours.v - reference.v).max() <= 1e-12 * np.abs(reference.v).max()
    assert ours.memory.keys() == reference.memory.keys()
    for kept, right in zip(ours.memory.values(), reference.memory.values(), strict=True):
        assert np.abs(kept - right).max() <= 1e-12 * np.abs(right).max()
    assert (ours.updates, ours.examples) == (reference.updates, reference.examples)
    assert ours.rng.bit_generator.state == reference.rng.bit_generator.state
    for one, other in zip(epochs, expected, strict=True):
        for name, measure in one.parts.items():
            assert measure.cost == pytest.approx(other.parts[name].cost, rel=1e-11)
            assert (measure.n, measure.correct) == (other.parts[name].n, other.parts[name].correct)
