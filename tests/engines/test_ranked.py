"""Zeros are put together and left out: nothing but the order of sums may differ."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.data import Dataset, Examples
from gdexp.descent import FullGradient, MiniBatch, Optimizer, State, Update
from gdexp.engines import Blas
from gdexp.engines.blas import carrier, first_layer
from gdexp.engines.blas.carrier import CHUNK, BlasCarrier
from gdexp.engines.blas.ranked import most_used_first, ranked
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.engines.conftest import assert_same

N, N_IN = 1303, 90


def sparse(inputs: np.ndarray, seed: int) -> np.ndarray:
    """Set inputs to zero: some features are used by most examples, most by few, some by none."""
    rng = np.random.default_rng(seed)
    share = rng.permutation(np.linspace(-0.2, 1.0, inputs.shape[1])) ** 3
    return np.where(rng.random(inputs.shape) < share, inputs, inputs.dtype.type(0))


@given(
    n=st.integers(1, 60),
    n_in=st.integers(1, 70),
    dtype=st.sampled_from(["uint8", "float32", "float64"]),
    seed=st.integers(0, 10_000),
)
def test_order_loses_nothing(n: int, n_in: int, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = sparse(rng.integers(1, 256, (n, n_in)).astype(dtype), seed)
    examples = Examples(inputs, rng.integers(0, 3, n), 255.0)
    features = most_used_first(examples)
    ours = ranked(examples, features)
    rows = ours.rows(np.arange(n))
    assert sorted(rows) == list(range(n))
    np.testing.assert_array_equal(ours.inputs[rows], inputs[:, features])
    np.testing.assert_array_equal(ours.labels[rows], examples.labels)
    beyond = np.arange(n_in) >= ours.reach[:, None]  # (n, n_in)
    assert not ours.inputs[beyond].any()
    assert ((ours.reach == 0) == ~ours.inputs.any(axis=1)).all()
    assert (np.diff(ours.reach) >= 0).all()


def test_features_are_in_the_order_of_how_many_examples_use_them() -> None:
    used = np.tril(np.ones((40, 40), np.uint8))[:, ::-1]  # feature 39 by all examples, 0 by one
    examples = Examples(used, np.zeros(40, np.intp))
    np.testing.assert_array_equal(most_used_first(examples), np.arange(40)[::-1])
    assert ranked(examples, most_used_first(examples)).reach.mean() < 25  # 20.5, to full groups


def test_dense_examples_stay_where_they_are() -> None:
    examples = small_dataset(n=50, n_in=40).train
    assert ranked(examples, most_used_first(examples)).inputs is examples.inputs


def test_order_is_made_once_for_all_runs_of_a_process() -> None:
    dataset = thin()
    features = most_used_first(dataset.train)
    assert ranked(dataset.train, features) is ranked(dataset.train, most_used_first(dataset.train))
    assert ranked(dataset.test, features) is ranked(dataset.test, features)


def test_what_products_leave_out_of_mnist(mnist: Dataset) -> None:
    """As docs/performance.md says: almost half of a full batch, a quarter of 20 in random order."""
    ours = ranked(mnist.train, most_used_first(mnist.train))
    n, n_in = ours.inputs.shape
    in_order = np.split(np.arange(n), range(CHUNK, n, CHUNK))
    random = np.split(ours.rows(np.random.default_rng(0).permutation(n)), n // 20)
    for loads, left_out in ((in_order, 0.45), (random, 1 / 4)):
        assert np.mean([ours.reach[rows].max() for rows in loads]) <= (1 - left_out) * n_in


def thin() -> Dataset:
    """Examples as in `sparse`; validation and test have features that no training example has."""
    dataset = small_dataset(n=N, n_in=N_IN)
    train, validation, test = (
        Examples(sparse(part.inputs, seed), part.labels)
        for seed, part in enumerate(dataset.parts.values())
    )
    return replace(dataset, train=train, validation=validation, test=test)


@pytest.mark.parametrize(
    "optimizer", [*(MiniBatch(m) for m in (1, 7, 16, 17, 200, 1300)), FullGradient()], ids=str
)
@pytest.mark.parametrize("hidden", [[], [30], [9, 5]], ids=str)
@pytest.mark.parametrize("worth", [1, 10_000])  # a mini-batch at a time, and several
def test_the_descent_is_the_same(
    hidden: list[int], optimizer: Optimizer, worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "WORTH", worth)
    dataset = thin()
    never = ~dataset.train.inputs.any(axis=0)
    assert dataset.test.inputs[:, never].any()  # so their weights count, though none moves
    assert_same(Blas, dataset, Architecture(hidden), Quadratic(), optimizer, epochs=2)


def test_what_fills_the_vectors_up_stays_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where loads of few columns go in pieces, and those of many whole: in other memory."""
    monkeypatch.setattr(first_layer, "has_wide_vectors", lambda: True)
    monkeypatch.setattr(first_layer, "PRODUCT", 60_000)
    assert [len(first_layer.pieces(CHUNK, 32 * columns)) for columns in (32, 91)] == [5, 1]
    dataset = small_dataset(n=2 * CHUNK, n_in=N_IN)
    inputs = dataset.train.inputs.copy()
    inputs[::2, 30:] = 0
    dataset = replace(dataset, train=Examples(inputs, dataset.train.labels))
    network = Network(Architecture([30]), Quadratic(), dataset, Blas("float64").dtype)
    state, carrier = State.begin(network, 0), BlasCarrier(network)
    for _ in range(2):
        carrier.train_epoch(network, FullGradient(), Update(), 1.0, state)
    assert not carrier._weights.v[0][30:].any()
    assert_same(Blas, dataset, Architecture([30]), Quadratic(), FullGradient(), epochs=2)


@pytest.mark.parametrize("optimizer", [MiniBatch(1), MiniBatch(7), FullGradient()], ids=str)
def test_examples_without_anything_leave_the_weights(optimizer: Optimizer) -> None:
    """All zero: only biases learn."""
    dataset = small_dataset(n=50, n_in=N_IN)
    nothing = replace(dataset.train, inputs=np.zeros_like(dataset.train.inputs))
    dataset = replace(dataset, train=nothing)
    assert_same(Blas, dataset, Architecture([5]), Quadratic(), optimizer)


@pytest.mark.parametrize("optimizer", [MiniBatch(1), MiniBatch(7), FullGradient()], ids=str)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_inputs_that_are_stored_larger(optimizer: Optimizer, precision: str) -> None:
    """Weights are divided meanwhile: those of zeros stay the same bits, and sets may differ."""
    dataset = small_dataset(n=50, n_in=N_IN)
    raw = np.random.default_rng(0).integers(0, 50, dataset.train.inputs.shape, np.uint8)
    raw[:, 3] = 0
    # x / 49 · 49 is not x for one number of eight.
    dataset = replace(dataset, train=Examples(raw, dataset.train.labels, 49.0))
    network = Network(Architecture([30]), Quadratic(), dataset, Blas(precision).dtype)
    state, carrier = State.begin(network, 0), BlasCarrier(network)
    before = network.layers(state.v)[0][0][:, 3].copy()
    for _ in range(3):
        carrier.train_epoch(network, optimizer, Update(), 1.0, state)
    np.testing.assert_array_equal(network.layers(state.v)[0][0][:, 3], before)
    assert_same(Blas, dataset, Architecture([30]), Quadratic(), optimizer, epochs=3)
