"""Sampling, and what becomes of the last mini-batch: what is seen how often, and how it weighs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.descent import (
    FullGradient,
    MiniBatch,
    Momentum,
    Online,
    Optimizer,
    Pace,
    Penalty,
    Plain,
    Rule,
    Scaling,
    State,
    descent,
)
from gdexp.descent.optimizers import First
from gdexp.errors import SettingError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.descent.trajectories import Ellipses, trajectory
from tests.engines.conftest import ENGINES, Kind

SAMPLINGS = ["shuffle", "in_order", "with_replacement"]


def drawn(optimizer: Optimizer, n: int, rng: np.random.Generator) -> list[Any]:
    return [np.arange(n)[batch].tolist() for batch in optimizer.batches(n, rng)]


shapes = given(n=st.integers(1, 100), m=st.integers(1, 100), seed=st.integers(0, 99))


@shapes
def test_shuffled_every_example_is_seen_once_an_epoch(n: int, m: int, seed: int) -> None:
    seen = np.concatenate(drawn(MiniBatch(m), n, np.random.default_rng(seed)))
    assert sorted(seen) == list(range(n))


@shapes
def test_in_order_it_is_the_order_of_the_data_and_nothing_is_drawn(
    n: int, m: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = rng.bit_generator.state
    for _ in range(2):
        batches = drawn(MiniBatch(m, "in_order"), n, rng)
        assert batches == [[*range(at, min(at + m, n))] for at in range(0, n, m)]
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("sampling", SAMPLINGS)
@shapes
def test_sizes_of_batches_and_what_is_dropped(sampling: str, n: int, m: int, seed: int) -> None:
    kept = drawn(MiniBatch(m, sampling), n, np.random.default_rng(seed))
    dropped = drawn(MiniBatch(m, sampling, "drop"), n, np.random.default_rng(seed))
    full, ragged = divmod(n, m)
    assert [len(batch) for batch in kept] == [m] * full + [ragged] * (ragged > 0)
    assert dropped == kept[:full], "the same epoch, without its last mini-batch"
    for batches, last in ((kept, "keep"), (dropped, "drop")):
        optimizer = MiniBatch(m, sampling, last)
        assert len(batches) == optimizer.updates(n)
        if m <= n:
            pace = Pace.of(optimizer, n)
            assert (pace.m, pace.updates) == (m, len(batches))
            assert pace.examples == sum(map(len, batches))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("optimizer", [MiniBatch(7), MiniBatch(7, last="drop"), Online()])
@pytest.mark.parametrize("count", [1, 2, 3, 99])
def test_the_first_updates_of_an_epoch_are_its_first(
    count: int, optimizer: Optimizer, sampling: str
) -> None:
    if isinstance(optimizer, MiniBatch):
        optimizer = MiniBatch(7, sampling, optimizer.last)
    first = First(optimizer, count)
    rng, again, third = (np.random.default_rng(5) for _ in range(3))
    batches = drawn(first, 23, rng)
    assert batches == drawn(optimizer, 23, again)[:count]
    assert first.order(23, third).tolist() == np.concatenate(batches).tolist()
    assert first.updates(23) == len(batches)


def test_with_replacement_draws_n_of_n_each_as_likely_as_another() -> None:
    """In an epoch of n draws a share of (1 − 1/n)^n is missed; over 4,000 epochs all are equal."""
    n, epochs, rng = 20, 4000, np.random.default_rng(1)
    optimizer = MiniBatch(5, "with_replacement")
    seen = np.array([np.concatenate(drawn(optimizer, n, rng)) for _ in range(epochs)])
    assert seen.shape == (epochs, n)
    counts = np.bincount(seen.ravel(), minlength=n)
    expected = epochs
    # χ² of n − 1 degrees of freedom: mean n − 1, variance 2 (n − 1); five standard deviations.
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < (n - 1) + 5 * np.sqrt(2 * (n - 1))
    missed = np.mean([n - len(np.unique(epoch)) for epoch in seen]) / n
    assert missed == pytest.approx((1 - 1 / n) ** n, abs=0.005)
    # Draws are independent: one says nothing of the next.
    pairs = np.corrcoef(seen[:, :-1].ravel(), seen[:, 1:].ravel())[0, 1]
    assert abs(pairs) < 5 / np.sqrt(epochs * (n - 1))


def test_shuffles_are_uniform() -> None:
    """Each example is first in a share of 1/n of the epochs."""
    n, epochs, rng = 6, 6000, np.random.default_rng(2)
    first = np.bincount([MiniBatch(2).order(n, rng)[0] for _ in range(epochs)], minlength=n)
    chi_squared = ((first - epochs / n) ** 2 / (epochs / n)).sum()
    assert chi_squared < (n - 1) + 5 * np.sqrt(2 * (n - 1))


# A ragged last mini-batch.

POINTS = np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])  # ∇C_x = v − x


@pytest.mark.parametrize("rule", [Plain(), Momentum(0.5)], ids=str)
@pytest.mark.parametrize("update", ["mean", "sum"])
def test_a_ragged_last_batch_by_hand(update: str, rule: Rule) -> None:
    """Two of five, two, and one: under mean the fifth weighs twice as much, under sum as much."""
    eta, v, u = 0.1, 0.0, 0.0
    expected = [v]
    mu = rule.mu if isinstance(rule, Momentum) else 0.0
    for batch in ([1.0, 2.0], [4.0, 8.0], [16.0]):
        g = sum(v - x for x in batch)
        if update == "mean":
            g /= len(batch)
        u = mu * u + g
        v -= eta * u
        expected.append(v)
    problem = Ellipses(POINTS, np.ones(1))
    problem.start = lambda rng: np.zeros(1)  # type: ignore[method-assign]
    path = trajectory(
        problem, MiniBatch(2, "in_order"), rule, eta=eta, epochs=1, scaling=Scaling("mean", update)
    )
    np.testing.assert_allclose(path[:, 0], expected, rtol=1e-14)


def test_a_ragged_last_batch_takes_its_share_of_the_penalty() -> None:
    """Over an epoch of sums the whole penalty is taken once: m/n of it with m examples."""
    problem = Ellipses(POINTS, np.zeros(1))
    problem.start = lambda rng: np.ones(1)  # type: ignore[method-assign]
    more: dict[str, Any] = {"eta": 0.1, "epochs": 1, "penalty": Penalty(l2=1.0)}
    for update, factors in (("mean", [0.2] * 3), ("sum", [0.4, 0.4, 0.2])):
        scaling = Scaling("mean", update)
        path = trajectory(problem, MiniBatch(2, "in_order"), Plain(), scaling=scaling, **more)
        steps = np.cumprod([1 - 0.1 * factor for factor in factors])
        np.testing.assert_allclose(path[1:, 0], steps, rtol=1e-14)


@pytest.mark.parametrize("update", ["mean", "sum"])
def test_what_is_dropped_has_no_part_in_the_descent(update: str) -> None:
    """Ten epochs in order, of five examples by two, are those of the first four."""
    more: dict[str, Any] = {"eta": 0.05, "epochs": 10, "scaling": Scaling("mean", update)}
    five, four = Ellipses(POINTS, np.ones(1)), Ellipses(POINTS[:4], np.ones(1))
    optimizer = MiniBatch(2, "in_order", "drop")
    np.testing.assert_array_equal(
        trajectory(five, optimizer, Plain(), **more), trajectory(four, optimizer, Plain(), **more)
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("last", ["keep", "drop"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("m", [1, 5, 23])
@pytest.mark.parametrize("update", ["mean", "sum"])
def test_every_engine_samples_alike(
    update: str, m: int, sampling: str, last: str, engine: Kind
) -> None:
    ends = []
    for kind in (engine, None):
        network = Network(Architecture([4]), Quadratic(), small_dataset())
        state = State.begin(network, 1)
        carrier = kind and kind("float64").prepare(network)
        sample, scaling = MiniBatch(m, sampling, last), Scaling("mean", update)
        *_, _ = descent(network, sample, scaling, state, eta=0.05, epochs=3, carrier=carrier)
        ends.append(state)
    np.testing.assert_allclose(ends[0].v, ends[1].v, rtol=0, atol=1e-12)
    assert (ends[0].updates, ends[0].examples) == (ends[1].updates, ends[1].examples)
    assert ends[0].rng.bit_generator.state == ends[1].rng.bit_generator.state


def test_the_full_gradient_is_the_sum_of_all_examples_in_both_conventions() -> None:
    problem = Ellipses(POINTS, np.ones(1))
    for update, m in (("mean", 5), ("sum", 1)):
        path = trajectory(
            problem, FullGradient(), Plain(), eta=0.1, epochs=1, scaling=Scaling("mean", update)
        )
        step = -0.1 * (path[0] - POINTS).sum() / m
        assert path[1, 0] - path[0, 0] == pytest.approx(step, rel=1e-13)


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"sampling": "foo"}, "sampling must be one of shuffle, in_order, with_replacement"),
        ({"sampling": None}, "sampling must be one of"),
        ({"last": "maybe"}, "last must be one of keep, drop. Got 'maybe'"),
        ({"last": True}, "last must be one of keep, drop"),
    ],
)
def test_a_sampling_that_is_none_is_refused(given_: Any, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        MiniBatch(10, **given_)
