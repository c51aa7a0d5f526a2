"""Every rule, penalty and clipping in the compiled engine, against the reference."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.descent import (
    Adagrad,
    Adam,
    AdamW,
    Constant,
    Exponential,
    FixedLength,
    FullGradient,
    MiniBatch,
    Momentum,
    Nesterov,
    Online,
    Optimizer,
    Penalty,
    Plain,
    RMSprop,
    Rule,
    Scaling,
)
from gdexp.engines import Compiled, Reference
from gdexp.problems import Architecture, Quadratic
from tests.conftest import small_dataset
from tests.engines.conftest import assert_same, end, thinned

pytest.importorskip("numba", reason="not run: no Numba; pip install 'gdexp[compiled]'")

RULES = [
    *(Plain(), FixedLength(), Momentum(0.9), Nesterov(0.8), Adagrad()),
    *(RMSprop(0.95), Adam(0.8, 0.99), AdamW(weight_decay=0.3)),
]
PENALTIES = [Penalty(), Penalty(l1=0.3), Penalty(l2=0.7), Penalty(0.2, 0.5)]
CLIPS = [None, 0.05]
SCHEDULES = [Constant(), Exponential("update", 0.97)]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)


@each_rule
@pytest.mark.parametrize("optimizer", [FullGradient(), MiniBatch(7), Online()], ids=str)
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_every_penalty_clipping_schedule_and_scaling(
    density: float, optimizer: Optimizer, rule: Rule
) -> None:
    dataset = thinned(small_dataset(n=23, n_in=40), density)
    for penalty, clip, schedule in product(PENALTIES, CLIPS, SCHEDULES):
        for update in ("mean", "sum"):
            more = {"rule": rule, "penalty": penalty, "clip": clip, "schedule": schedule}
            rest = (Architecture([17]), Quadratic(), optimizer, Scaling("mean", update))
            assert_same(Compiled, dataset, *rest, eta=0.01, **more)


@settings(max_examples=60)
@given(
    rule=st.sampled_from(RULES),
    penalty=st.sampled_from(PENALTIES),
    clip=st.sampled_from(CLIPS),
    hidden=st.lists(st.integers(1, 70), max_size=3),
    m=st.integers(1, 200),
    n_in=st.integers(1, 70),
    density=st.floats(0, 1),
)
def test_any_shape_batch_and_density(
    rule: Rule, hidden: list[int], m: int, n_in: int, density: float, **more: Any
) -> None:
    dataset = thinned(small_dataset(n=200, n_in=n_in), density)
    architecture = Architecture(hidden, initialization="scaled_normal")
    rest = (architecture, Quadratic(), MiniBatch(m))
    assert_same(Compiled, dataset, *rest, rule=rule, eta=0.01, **more)


@each_rule
def test_float32_stays_near_float64(rule: Rule) -> None:
    """Stated: 1e-5 of the largest parameter, after five updates by mini-batches."""
    dataset = thinned(small_dataset(n=50, n_in=40), 0.3)
    rest = (dataset, Architecture([17]), Quadratic(), MiniBatch(10))
    more: dict[str, Any] = {"rule": rule, "penalty": Penalty(0.2, 0.5), "clip": 0.1, "eta": 0.01}
    single, _ = end(Compiled("float32"), *rest, **more)
    double, _ = end(Reference("float64"), *rest, **more)
    assert single.v.dtype == np.float32
    assert np.abs(single.v - double.v).max() <= 1e-5 * np.abs(double.v).max()
    again, _ = end(Compiled("float32"), *rest, **more)
    assert again.v.tobytes() == single.v.tobytes()


@each_rule
def test_epochs_go_on_where_the_last_one_ended(rule: Rule) -> None:
    """The memory goes with the state, and the number of an update goes on."""
    rest = (Architecture([9]), Quadratic(), MiniBatch(7))
    assert_same(Compiled, small_dataset(n=40), *rest, rule=rule, eta=0.01, epochs=3)
