"""Examples dealt out: every one once, by shares, the same for a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.data.split import Split
from gdexp.errors import GdexpError, SettingError

SHARES = st.floats(0, 0.49)


@given(st.integers(1, 2000), SHARES, SHARES, st.integers(0, 9))
def test_every_example_goes_to_one_part(n: int, validation: float, test: float, seed: int) -> None:
    split = Split(validation, test, seed)
    try:
        parts = split.deal(n)
    except GdexpError:
        sizes = round(validation * n), round(test * n)
        assert min(*sizes, n - sum(sizes)) <= 0
        return
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    assert [len(part) for part in parts[1:]] == [round(validation * n), round(test * n)]
    assert all(
        len(part) for part, share in zip(parts[1:], (validation, test), strict=True) if share
    )


def test_a_seed_gives_one_order() -> None:
    first, again, other = (Split(0.2, 0.2, seed).deal(50) for seed in (1, 1, 2))
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert not np.array_equal(first[0], other[0])


def test_a_share_of_zero_is_an_empty_part() -> None:
    assert [len(part) for part in Split(0.0, 0).deal(3)] == [3, 0, 0]


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ((1.0, 0.1), "validation must be a number in [0, 1). Got 1.0."),
        ((-0.1, 0.1), "validation must be a number in [0, 1)"),
        ((0.1, "half"), "test must be a number in [0, 1). Got 'half'."),
        ((0.1, True), "test must be a number in [0, 1)"),
        ((0.1, float("nan")), "test must be a number in [0, 1)"),
        ((0.7, 0.5), "test must be a share that leaves some for training: below 0.3. Got 0.5."),
        ((0.1, 0.1, -1), "split_seed must be a whole number >= 0. Got -1."),
    ],
)
def test_shares_that_are_none(shares: tuple[float, ...], told: str) -> None:
    with pytest.raises(SettingError) as error:
        Split(*shares)  # type: ignore[arg-type]
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("split", "n", "part"),
    [(Split(0.1, 0.3), 4, "validation"), (Split(0.3, 0.1), 4, "test"), (Split(0.5, 0.4), 1, "")],
)
def test_a_part_that_would_be_empty(split: Split, n: int, part: str) -> None:
    with pytest.raises(GdexpError, match=f"leave none for {part}"):
        split.deal(n)
