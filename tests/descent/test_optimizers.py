"""Which examples an update sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.descent import FullGradient, MiniBatch, Online, Scaling
from gdexp.errors import SettingError


@given(n=st.integers(1, 200), m=st.integers(1, 200), seed=st.integers(0, 1000))
def test_an_epoch_of_mini_batches_has_every_example_once(n: int, m: int, seed: int) -> None:
    if m > n:
        with pytest.raises(SettingError, match=f"at most n = {n}"):
            MiniBatch(m).batch_size(n)
        return
    batches = list(MiniBatch(m).batches(n, np.random.default_rng(seed)))
    assert [len(np.atleast_1d(batch)) for batch in batches[:-1]] == [m] * (len(batches) - 1)
    assert sorted(np.concatenate(batches)) == list(range(n))


def test_each_epoch_is_shuffled_anew_and_the_seed_decides() -> None:
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    first, second = (next(iter(MiniBatch(50).batches(50, rng))) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, next(iter(MiniBatch(50).batches(50, again))))


def test_online_is_one_example_at_a_time_in_the_order_of_sgd_with_batch_one() -> None:
    online = [*Online().batches(9, np.random.default_rng(1))]
    np.testing.assert_array_equal(online, [*MiniBatch(1).batches(9, np.random.default_rng(1))])
    assert np.shape(online) == (9, 1)


def test_gradient_descent_draws_nothing() -> None:
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    assert [*FullGradient().batches(9, rng)] == [slice(0, 9)]
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("batch", [0, -3, 2.5, 10.0, "abc", True, None])
def test_a_batch_that_is_none_is_refused(batch: object) -> None:
    with pytest.raises(SettingError, match="batch must be a whole number >= 1"):
        MiniBatch(batch)  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", ["cost", "update"])
def test_a_convention_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(SettingError, match=f"{setting} must be one of mean, sum.* Got 'half'"):
        Scaling(**{setting: "half"})
