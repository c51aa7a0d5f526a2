"""When a descent ends: after just as much as was allowed, and with the parameters it promised."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.data import Dataset, Digits
from gdexp.descent import (
    Budget,
    Early,
    Epoch,
    Evaluation,
    Exponential,
    FullGradient,
    MiniBatch,
    Momentum,
    Online,
    Optimizer,
    Scaling,
    State,
    Stop,
    Target,
    Tolerance,
    descent,
)
from gdexp.engines import Reference
from gdexp.errors import GdexpError
from gdexp.measure import Measure
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.descent.trajectories import Ellipses
from tests.engines.conftest import ENGINES, Kind

OPTIMIZERS = [
    FullGradient(),
    MiniBatch(5),
    MiniBatch(5, last="drop"),
    MiniBatch(7, "in_order"),
    MiniBatch(4, "with_replacement"),
    Online(),
]


def network(dataset: Dataset | None = None, dtype: Any = np.float64) -> Network:
    architecture = Architecture([4], initialization="scaled_normal")
    return Network(architecture, Quadratic(), dataset or small_dataset(), dtype)


def end(stop: Stop, optimizer: Optimizer, **more: Any) -> tuple[State, list[Epoch]]:
    problem = network()
    state = State.begin(problem, 3)
    more = {"epochs": None, "eta": 0.5, **more}
    return state, list(descent(problem, optimizer, Scaling(), state, stop=stop, **more))


def sizes(optimizer: Optimizer, n: int, updates: int) -> list[int]:
    """How many examples each of so many updates sees: the optimizer's own batches, counted."""
    rng, found = np.random.default_rng(0), list[int]()
    while len(found) < updates:
        batches = optimizer.batches(n, rng)
        found += [len(np.arange(n)[batch]) for batch in batches]
    return found[:updates]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("budget", [1, 3, 14, 60])
def test_a_budget_of_updates_is_met_exactly(budget: int, optimizer: Optimizer) -> None:
    state, epochs = end(Budget(updates=budget), optimizer)
    assert epochs[-1].updates == state.updates == budget
    assert epochs[-1].examples == state.examples == sum(sizes(optimizer, 23, budget))
    assert epochs[-1].ended == f"the budget of {budget} updates is spent"
    assert not any(epoch.ended for epoch in epochs[:-1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@settings(max_examples=25)
@given(budget=st.integers(23, 200))
def test_of_a_budget_of_examples_no_update_is_left_that_it_allows(
    optimizer: Optimizer, budget: int
) -> None:
    state, epochs = end(Budget(examples=budget), optimizer, eta=0.01)
    each = sizes(optimizer, 23, state.updates + 1)
    assert state.examples == sum(each[:-1]) <= budget < state.examples + each[-1]
    assert epochs[-1].ended == f"the budget of {budget} examples is spent"


@cache
def cut(budget: Budget, optimizer: Any, engine: Kind = Reference) -> tuple[State, list[Epoch]]:
    problem = network(Digits().load())
    state = State.begin(problem, 3)
    more: dict[str, Any] = {"stop": budget, "carrier": engine("float64").prepare(problem)}
    return state, [*descent(problem, optimizer, Scaling(), state, eta=0.1, epochs=None, **more)]


@pytest.mark.parametrize("budget", [Budget(updates=33), Budget(examples=3900 + 649)], ids=str)
@pytest.mark.parametrize("optimizer", [MiniBatch(10), MiniBatch(64), Online(), FullGradient()])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_cuts_the_same_descent(engine: Kind, optimizer: Any, budget: Budget) -> None:
    (ours, epochs), (reference, expected) = cut(budget, optimizer, engine), cut(budget, optimizer)
    np.testing.assert_allclose(ours.v, reference.v, rtol=0, atol=1e-11)
    assert [(e.updates, e.examples, e.ended) for e in epochs] == [
        (e.updates, e.examples, e.ended) for e in expected
    ]


@pytest.mark.parametrize("engine", ENGINES[1:])  # the BLAS engine refuses rates by update
def test_an_epoch_that_is_cut_has_the_rates_of_its_updates(engine: Kind) -> None:
    carrier = engine("float64").prepare(network())
    more = {"schedule": Exponential("update", gamma=0.9), "epochs": None}
    ours, _ = end(Budget(updates=8), MiniBatch(5), carrier=carrier, **more)
    expected, _ = end(Budget(updates=8), MiniBatch(5), **more)
    np.testing.assert_allclose(ours.v, expected.v, rtol=0, atol=1e-13)


def test_a_budget_that_is_cut_is_the_beginning_of_the_longer_one() -> None:
    """Eight updates, and eight of ten: with momentum, and in the same order of the examples."""
    more: dict[str, Any] = {"rule": Momentum(0.9)}
    whole, _ = end(Budget(updates=10), MiniBatch(5), **more)
    first, epochs = end(Budget(updates=8), MiniBatch(5), **more)
    assert [epoch.updates for epoch in epochs] == [0, 5, 8]
    assert not np.array_equal(first.v, whole.v)
    by_epochs, _ = end(Budget(updates=10), MiniBatch(5), epochs=2, **more)
    np.testing.assert_array_equal(whole.v, by_epochs.v)


def test_epochs_are_a_second_limit_of_a_budget() -> None:
    state, epochs = end(Budget(updates=100), MiniBatch(5), epochs=2)
    assert (state.updates, epochs[-1].number, epochs[-1].ended) == (10, 2, "")


def test_the_end_of_a_budget_is_measured_whatever_the_evaluation() -> None:
    _, epochs = end(Budget(updates=12), MiniBatch(5), evaluation=Evaluation(every=100))
    assert [epoch.updates for epoch in epochs] == [0, 12]
    assert epochs[-1].ended


def test_seconds_end_a_descent_that_has_no_other_end() -> None:
    state, epochs = end(Budget(seconds=1e-3), Online())
    assert epochs[-2].seconds < 1e-3 <= epochs[-1].seconds == state.seconds
    assert epochs[-1].ended == "the budget of 0.001 seconds is spent"


# Early stopping, on a validation cost that is written by hand: measured k-th, it is costs[k].


class Told(Ellipses):
    """A bowl whose validation set says what it is told to say, measurement by measurement."""

    def __init__(self, costs: list[float], correct: list[int] | None = None) -> None:
        super().__init__(np.zeros((1, 1)), np.ones(1))
        self.told = iter([*enumerate(costs)])
        self.correct = correct
        self.seen: list[float] = []

    def measure(self, v: Any) -> dict[str, Measure]:
        k, cost = next(self.told)
        correct = None if self.correct is None else self.correct[k]
        self.seen.append(float(v[0]))
        return {**super().measure(v), "val": Measure(4 * cost, 4, correct)}


def told(costs: list[float], stop: Stop, correct: list[int] | None = None, every: int = 1) -> Any:
    problem = Told(costs, correct)
    state = State(np.array([1.0]), np.random.default_rng(0))
    more: dict[str, Any] = {"eta": 0.1, "epochs": 30, "evaluation": Evaluation(every)}
    run = list(descent(problem, FullGradient(), Scaling(), state, stop=stop, **more))
    return run, float(state.v[0]), problem.seen


def test_early_stopping_waits_for_its_patience_and_restores_the_best() -> None:
    costs = [5.0, 4.0, 2.0, 3.0, 2.0, 2.5, 1.0]
    run, v, seen = told(costs, Early(patience=3, metric="cost", restore=True))
    assert run[-1].number == 5, "three after epoch 2; an equal cost is no better one"
    assert v == seen[2]
    assert run[-1].ended == "no better validation cost since epoch 2, whose parameters are kept"


def test_early_stopping_begins_to_wait_anew_with_each_new_best() -> None:
    costs = [5.0, 6.0, 6.0, 4.0, 6.0, 6.0, 3.0, 6.0, 6.0, 6.0, 1.0]
    run, v, seen = told(costs, Early(patience=3, metric="cost", restore=True))
    assert run[-1].number == 9
    assert v == seen[6]


def test_early_stopping_without_restoring_ends_where_it_is() -> None:
    run, v, seen = told([5.0, 1.0, 2.0, 2.0], Early(patience=2, metric="cost", restore=False))
    assert v == seen[3] == seen[-1]
    assert run[-1].ended == "no better validation cost since epoch 1"


def test_early_stopping_goes_by_the_accuracy_where_it_is_asked_to() -> None:
    correct, costs = [1, 3, 2, 2, 4], [5.0, 4.0, 3.0, 2.0, 1.0]
    run, v, seen = told(costs, Early(2, "accuracy", True), correct)
    assert (run[-1].number, v) == (3, seen[1])


def test_patience_counts_measurements() -> None:
    run, v, seen = told([5.0, 1.0, 2.0, 2.0], Early(2, "cost", True), every=5)
    assert [epoch.number for epoch in run] == [0, 5, 10, 15]
    assert v == seen[1]


def test_early_stopping_restores_the_best_also_where_the_epochs_end_first() -> None:
    problem = network()
    state = State.begin(problem, 3)
    stop, points, costs = Early(100, "cost", True), [], []
    for epoch in descent(problem, MiniBatch(5), Scaling(), state, eta=9.0, epochs=40, stop=stop):
        points.append(state.v.copy())
        costs.append(epoch.parts["val"].cost)
    best = int(np.argmin(costs))
    assert 0 < best < 40, "a descent that overfits"
    np.testing.assert_array_equal(state.v, points[best])
    assert epoch.ended == ""


def test_early_stopping_needs_what_it_goes_by() -> None:
    bowl = Ellipses(np.zeros((1, 1)), np.ones(1))
    state = State(np.array([1.0]), np.random.default_rng(0))
    run = descent(
        bowl, FullGradient(), Scaling(), state, eta=1.0, epochs=3, stop=Early(1, "cost", True)
    )
    with pytest.raises(GdexpError, match="stop=early needs a validation set"):
        next(run)
    with pytest.raises(GdexpError, match=r"Write stop\.metric=cost"):
        told([1.0, 1.0], Early(1, "accuracy", True))


# Tolerance and target.


def costs_of(*costs: float) -> list[Epoch]:
    return [
        Epoch(k, k, k, float(k), cost, {"train": Measure(cost, 1, None)})
        for k, cost in enumerate(costs)
    ]


@pytest.mark.parametrize(
    ("costs", "stop", "ends"),
    [
        ((10.0, 9.0), Tolerance(1.0, False, 1), True),  # by the tolerance, and no more
        ((10.0, 8.9), Tolerance(1.0, False, 1), False),
        ((10.0, 9.0), Tolerance(0.1, True, 1), True),
        ((10.0, 8.9), Tolerance(0.1, True, 1), False),
        ((10.0, 11.0), Tolerance(1e-9, False, 1), True),  # it has grown
        ((-10.0, -10.5), Tolerance(0.1, True, 1), True),  # a share of its size, if it is negative
        ((10.0, 9.9, 9.8), Tolerance(0.5, False, 3), False),  # the window is not full
        ((10.0, 9.9, 9.8, 9.7), Tolerance(0.5, False, 3), True),
        ((10.0, 9.9, 9.8, 9.3), Tolerance(0.5, False, 3), False),
        ((99.0, 10.0, 9.9, 9.8, 9.7), Tolerance(0.5, False, 3), True),  # before the window: nothing
        ((0.0, 0.0), Tolerance(1e-9, True, 1), True),
    ],
)
def test_tolerance_compares_with_the_cost_a_window_before(
    costs: tuple[float, ...], stop: Tolerance, ends: bool
) -> None:
    assert bool(stop.reason(costs_of(*costs))) == ends


def test_tolerance_ends_a_descent_at_the_epoch_that_theory_says() -> None:
    """On v², C_k = (1 − 2η)^{2k}: with 1 − 2η = ½ the k-th step reduces it by ¾ 4^{1−k}."""
    bowl = Ellipses(np.zeros((1, 1)), np.array([2.0]))
    state = State(np.array([1.0]), np.random.default_rng(0))
    stop = Tolerance(1e-6, relative=False, window=1)
    *_, last = descent(bowl, FullGradient(), Scaling(), state, eta=0.25, epochs=99, stop=stop)
    assert last.number == next(k for k in range(1, 99) if 0.75 * 4 ** (1 - k) <= 1e-6)
    assert last.ended == "the last measurement reduced the cost by no more than 1e-06"


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_target_is_the_first_epoch_that_reaches_it(part: str) -> None:
    _, whole = end(Budget(updates=300), MiniBatch(5), eta=3.0)
    for what in ("accuracy", "cost"):
        figures = [
            each.accuracy if what == "accuracy" else -each.cost / each.n
            for each in (epoch.parts[part] for epoch in whole)
        ]
        wanted = 0.5 * (figures[0] + max(figures))  # type: ignore[operator,type-var]
        first = next(k for k, figure in enumerate(figures) if figure >= wanted)  # type: ignore[operator]
        target = {what: wanted if what == "accuracy" else -wanted}
        state, epochs = end(Target(**target, part=part), MiniBatch(5), eta=3.0, epochs=60)
        assert epochs[-1].number == first > 0
        assert f"{part} {what} " in epochs[-1].ended
        took = f"in {5 * first} updates, {23 * first} examples, {state.seconds:.3g} s"
        assert epochs[-1].ended.endswith(took)


def test_a_target_that_is_not_there_is_told() -> None:
    bowl = Ellipses(np.zeros((1, 1)), np.ones(1))
    state = State(np.array([1.0]), np.random.default_rng(0))
    for stop in (Target(accuracy=0.5, part="train"), Target(cost=0.5, part="val")):
        run = descent(bowl, FullGradient(), Scaling(), state, eta=1.0, epochs=3, stop=stop)
        with pytest.raises(GdexpError, match=r"Write for example stop\.part=train stop\.cost=0\.1"):
            next(run)


def test_a_budget_that_allows_no_update_is_told() -> None:
    with pytest.raises(GdexpError, match=r"stop\.examples must be at least m = 23.* Got 22"):
        end(Budget(examples=22), FullGradient())


def test_a_descent_that_diverges_has_not_ended_for_a_reason_of_its_stop() -> None:
    bowl = Ellipses(np.zeros((1, 1)), np.ones(1))
    state = State(np.array([1.0]), np.random.default_rng(0))
    for stop in (Tolerance(1.0, False, 1), Budget(updates=10)):
        state = replace(state, v=np.array([1e200]), updates=0, epoch=0, memory={})
        run = descent(bowl, FullGradient(), Scaling(), state, eta=1e50, epochs=9, stop=stop)
        *_, last = run
        assert last.diverged
        assert last.ended == ""


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"updates": 3, "examples": 4},
        {"updates": 3, "examples": 4, "seconds": 1.0},
        {"updates": 0},
        {"examples": -1},
        {"examples": 2.5},
        {"updates": True},
        {"seconds": 0.0},
        {"seconds": float("inf")},
        {"seconds": "10"},
    ],
    ids=str,
)
def test_a_budget_is_one_and_of_something(given: dict[str, Any]) -> None:
    with pytest.raises(
        GdexpError, match=r"stop=budget takes just one|(updates|examples|seconds) must be"
    ):
        Budget(**given)


def test_a_cost_that_rises_is_not_told_as_one_that_settled() -> None:
    def epoch(number: int, cost: float) -> Epoch:
        return Epoch(number, number, number, 0.0, cost, {"train": Measure(cost, 1, None)})

    stop = Tolerance(1e-3, relative=True, window=1)
    assert "brought the cost up, from 1 to 2" in stop.reason([epoch(0, 1.0), epoch(1, 2.0)])
    assert "no more than 0.001" in stop.reason([epoch(0, 1.0), epoch(1, 1.0)])
    assert stop.reason([epoch(0, 1.0), epoch(1, 0.5)]) == ""
