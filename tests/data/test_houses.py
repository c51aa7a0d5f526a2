"""Houses that are generated: on the line that they say, and the same for a seed."""

import hydra.utils
import numpy as np
import pytest
from omegaconf import OmegaConf

from gdexp.data import Houses
from gdexp.errors import GdexpError, SettingError
from tests.data.conftest import CONF


def test_option_makes_them() -> None:
    assert hydra.utils.instantiate(OmegaConf.load(CONF / "houses.yaml")) == Houses()


def test_a_regression_on_standardised_sizes() -> None:
    data = Houses(n=1000).load()
    assert (data.classes, data.n_in, data.feature_names) == (0, 1, ("size",))
    assert [len(part) for part in data.parts.values()] == [700, 150, 150]
    assert abs(data.train.inputs.mean()) < 1e-12
    assert data.train.inputs.std() == pytest.approx(1)
    sizes = data.train.inputs[:, 0] * data.spread[0] + data.shift[0]
    assert 40 <= sizes.min() < 45 < 195 < sizes.max() <= 200


def test_without_noise_prices_lie_on_the_line() -> None:
    data = Houses(noise=0.0).load()
    for part in data.parts.values():
        sizes = part.inputs[:, 0] * data.spread[0] + data.shift[0]
        np.testing.assert_allclose(part.labels, 50 + 3 * sizes, rtol=1e-12)


def test_a_fit_finds_the_line_within_its_standard_errors() -> None:
    data = Houses(n=2000, validation=0.0, test=0.0).load()
    sizes = data.train.inputs[:, 0] * data.spread[0] + data.shift[0]
    (b, a), covariance = np.polyfit(sizes, data.train.labels, 1, cov=True)
    errors = np.sqrt(np.diag(covariance))
    assert abs(b - 3) < 4 * errors[0]
    assert abs(a - 50) < 4 * errors[1]
    assert np.std(data.train.labels - a - b * sizes) == pytest.approx(30, rel=0.1)


def test_a_seed_gives_the_same_houses() -> None:
    one, again, other = (Houses(houses_seed=seed).load().train.digest for seed in (3, 3, 4))
    assert one == again != other


def test_they_say_that_they_are_generated() -> None:
    assert Houses().load().source.startswith("generated, no real houses")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"n": 0}, "n must be a whole number >= 1. Got 0."),
        ({"n": 10**9}, "n must be at most 10,000,000."),
        ({"noise": -1}, "noise must be a finite number >= 0. Got -1."),
        ({"b": float("inf")}, "b must be a finite number. Got inf."),
        ({"a": "x"}, "a must be a finite number. Got 'x'."),
        ({"houses_seed": -1}, "houses_seed must be a whole number >= 0."),
        ({"validation": 1}, "validation must be a number in [0, 1)"),
    ],
)
def test_settings_that_are_not_allowed(how: dict[str, float], told: str) -> None:
    with pytest.raises(SettingError) as error:
        Houses(**how)  # type: ignore[arg-type]
    assert told in str(error.value)


def test_too_few_houses() -> None:
    with pytest.raises(GdexpError, match="leave none for validation"):
        Houses(n=2).load()
