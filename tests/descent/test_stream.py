"""Descent on examples that arrive: nothing is asked of those that are still to come."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gdexp.data import Dataset, Digits, Examples
from gdexp.data.streams import Arrivals, replayed
from gdexp.descent import (
    Adam,
    Arriving,
    Batches,
    Constant,
    Cosine,
    Early,
    Epoch,
    InverseTime,
    MiniBatch,
    Momentum,
    Nesterov,
    Penalty,
    Plain,
    Plateau,
    Rule,
    Scaling,
    Schedule,
    State,
    Stream,
    Update,
    descent,
    stream,
    thinned,
)
from gdexp.descent.running import Running
from gdexp.descent.stops import AfterEpochs
from gdexp.errors import GdexpError
from gdexp.measure import Measure
from gdexp.problems import Architecture, Network, NetworkProblem, Quadratic
from tests.conftest import small_dataset

RUNNING = Scaling("running", "mean")


def network(dataset: Dataset) -> Network:
    return NetworkProblem().build(np.float64, dataset, Architecture([5]), Quadratic())


def reports(
    dataset: Dataset, m: int, update: Update, settings: Stream, schedule: Schedule | None = None
) -> tuple[list[Epoch], State]:
    """Let a data set arrive, and descend on it."""
    arrivals = replayed(dataset)
    problem = network(arrivals.dataset)
    state = State.begin(problem, 3)
    batches = arrivals.batches(m, settings.examples, settings.seconds)
    told = stream(problem, batches, update, state, settings, eta=0.5, schedule=schedule)
    return list(told), state


@pytest.mark.parametrize("m", [1, 4, 10, 23, 50, 600])
@pytest.mark.parametrize("rule", [Plain(), Nesterov(0.9), Adam(0.9, 0.999, 1e-8)])
@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_is_stochastic_descent_in_the_order_of_the_data(
    m: int, rule: Rule, clip: float | None
) -> None:
    data = small_dataset(n=max(m, 23))
    told, state = reports(data, m, Update(RUNNING, rule, clip=clip), Stream())
    held = network(data)
    other = State.begin(held, 3)
    (_, *_, last) = descent(
        held, MiniBatch(m, "in_order"), Scaling(), other, eta=0.5, epochs=1, rule=rule, clip=clip
    )
    np.testing.assert_array_equal(state.v, other.v)
    assert (state.updates, state.examples) == (other.updates, other.examples)
    assert told[-1].parts["val"] == last.parts["val"]
    assert told[-1].parts["test"] == last.parts["test"]


@pytest.mark.parametrize("schedule", [InverseTime("update", 5), Cosine("update", 2, 0.1)])
def test_schedules_go_by_update(schedule: Schedule) -> None:
    data = small_dataset(n=24)
    update = Update(RUNNING, Momentum(0.5))
    told, state = reports(data, 4, update, Stream(examples=24, report=4), schedule)
    held = network(data)
    other = State.begin(held, 3)
    course = descent(
        held,
        MiniBatch(4, "in_order"),
        Scaling(),
        other,
        eta=0.5,
        epochs=1,
        rule=Momentum(0.5),
        schedule=schedule,
    )
    *_, last = course
    np.testing.assert_array_equal(state.v, other.v)
    assert told[-1].eta == last.eta
    assert told[0].eta != told[-1].eta


class NoN(Network):
    """A network that does not tell how many examples there are."""

    @property
    def n(self) -> int:
        raise AssertionError("n was asked for")

    @n.setter
    def n(self, value: int) -> None:
        pass


@pytest.mark.parametrize("rule", [Plain(), Momentum(0.9)])
def test_n_is_never_asked_for(rule: Rule) -> None:
    arrivals = replayed(small_dataset())
    problem = NoN(Architecture([5]), Quadratic(), arrivals.dataset)
    state = State.begin(problem, 0)
    batches = arrivals.batches(4, None, None)
    told = stream(problem, batches, Update(RUNNING, rule), state, Stream(), eta=0.5)
    assert [epoch.examples for epoch in told] == [23]
    assert Arriving(4).batch_size(-1) == 4


def drawn(n: int) -> tuple[NDArray[np.float64], Arrivals]:
    """Give inputs, and the examples of which each has the number that it comes at."""
    x = np.arange(n, dtype=float)[:, None]
    train = Examples(x, np.zeros(n, np.int64))
    return x, replayed(Dataset("n", train, train, train, 1, "counted"))


@given(n=st.integers(1, 60), m=st.integers(1, 20), most=st.none() | st.integers(1, 80))
def test_examples_are_given_in_their_order_up_to_the_limit(
    n: int, m: int, most: int | None
) -> None:
    x, arrivals = drawn(n)
    batches = arrivals.batches(m, most, None)
    given_ = [batch for batch in batches if batch is not None]
    total = n if most is None else min(n, most)
    np.testing.assert_array_equal(np.concatenate([each.inputs for each in given_]), x[:total])
    assert [len(each) for each in given_[:-1]] == [m] * (len(given_) - 1)
    assert batches.ended.startswith(f"{total:,} examples" if total == most else "the source ended")
    left = [each[0] for each in arrivals.examples if each is not None]
    assert left == [*x[total:]], "none was taken and thrown away"


def test_seconds_end_a_stream_that_does_not_and_what_came_is_learnt_from() -> None:
    data = small_dataset()

    def three_and_then_silence() -> Iterator[tuple[NDArray[np.float64], int] | None]:
        yield from zip(data.train.inputs[:3], data.train.labels[:3], strict=True)
        while True:
            yield None

    arrivals = Arrivals(replayed(data).dataset, three_and_then_silence())
    problem = network(arrivals.dataset)
    state = State.begin(problem, 0)
    batches = arrivals.batches(10, None, 0.05)
    told = list(stream(problem, batches, Update(RUNNING), state, Stream(), eta=0.5))
    assert [(epoch.examples, epoch.updates) for epoch in told] == [(3, 1)]
    assert told[-1].ended == "the 0.05 seconds of stream.seconds are over"


def test_reports_come_every_so_many_examples_and_at_the_end() -> None:
    told, _ = reports(small_dataset(n=23), 4, Update(RUNNING), Stream(report=8))
    assert [epoch.examples for epoch in told] == [8, 16, 23]
    assert [epoch.number for epoch in told] == [1, 2, 3]
    assert [epoch.ended for epoch in told] == ["", "", "the source ended after 23 examples"]
    assert {epoch.unit for epoch in told} == {"report"}
    told, _ = reports(small_dataset(n=24), 4, Update(RUNNING), Stream(report=8))
    assert [epoch.examples for epoch in told] == [8, 16, 24], "the last is not told twice"


def progressive(data: Dataset, m: int) -> list[Measure]:
    """Measure each batch before it is learnt from, as it would be done by hand."""
    held = network(data)
    state, measures = State.begin(held, 3), []
    for first in range(0, len(data.train), m):
        batch = slice(first, min(first + m, len(data.train)))
        a = held.outputs(state.v, data.train.x(batch))
        y = np.eye(3)[data.train.labels[batch]]
        right = int((a.argmax(axis=1) == data.train.labels[batch]).sum())
        measures.append(Measure(float(((a - y) ** 2).sum() / 2), len(a), right))
        state.v -= 0.5 / len(a) * held.gradient(state.v, batch)
    return measures


def test_the_running_means_are_of_what_was_not_yet_learnt_from() -> None:
    data = small_dataset(n=40)
    told, _ = reports(data, 4, Update(RUNNING), Stream(report=4, window=12, half_life=6))
    by_hand = progressive(data, 4)
    for k, epoch in enumerate(told, start=1):
        window, all_ = by_hand[max(0, k - 3) : k], by_hand[:k]
        seen = epoch.parts["train"]
        assert seen.cost == pytest.approx(sum(each.cost for each in window), rel=1e-12)
        assert seen.n == sum(each.n for each in window)
        assert seen.correct == sum(each.correct or 0 for each in window)
        assert epoch.cost == pytest.approx(seen.cost / seen.n, rel=1e-12)
        weights = [2 ** (-4 * age / 6) for age in range(k)][::-1]
        weighted = np.average([each.cost / 4 for each in all_], weights=weights)
        assert epoch.extra["stream/cost_weighted"] == pytest.approx(weighted, rel=1e-12)
        right = np.average([(each.correct or 0) / 4 for each in all_], weights=weights)
        assert epoch.extra["stream/accuracy_weighted"] == pytest.approx(right, rel=1e-12)
        mean = sum(each.cost for each in all_) / (4 * k)
        assert epoch.extra["stream/cost_all"] == pytest.approx(mean, rel=1e-12)


def test_the_sum_is_of_all_that_was_seen() -> None:
    data = small_dataset(n=40)
    told, _ = reports(data, 4, Update(Scaling("sum", "mean")), Stream(report=20, window=4))
    sums = np.cumsum([each.cost for each in progressive(data, 4)])
    assert [epoch.cost for epoch in told] == pytest.approx([sums[4], sums[9]], rel=1e-12)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30),
    window=st.integers(1, 40),
    c=st.floats(0, 1e6),
)
def test_means_of_a_constant_are_the_constant(sizes: list[int], window: int, c: float) -> None:
    running = Running(window, half_life=7)
    for n in sizes:
        running.add(Measure(c * n, n, n))
    seen = running.windowed()
    assert seen.cost / seen.n == pytest.approx(c)
    assert seen.n <= max(window, sizes[-1])
    assert seen.accuracy == 1
    assert running.means()["stream/cost_weighted"] == pytest.approx(c)
    assert running.means()["stream/accuracy_all"] == 1
    assert len(running.recent) <= window


def test_a_weight_halves_after_the_half_life() -> None:
    running = Running(1, half_life=3)
    running.add(Measure(1.0, 1, None))
    for _ in range(3):
        running.add(Measure(0.0, 1, None))
    weights = [2 ** (-age / 3) for age in range(4)]
    assert weights[3] == 0.5
    assert running.means()["stream/cost_weighted"] == pytest.approx(0.5 / sum(weights))
    assert "stream/accuracy_all" not in running.means()


def test_divergence_ends_it_at_once() -> None:
    data = Digits().load()
    arrivals = replayed(data)
    problem = NetworkProblem().build(
        np.float64,
        arrivals.dataset,
        Architecture([5], activation="relu", output_activation="identity"),
        Quadratic(),
    )
    state = State.begin(problem, 0)
    batches = arrivals.batches(10, None, None)
    told = list(stream(problem, batches, Update(RUNNING), state, Stream(report=500), eta=1e9))
    assert told[-1].diverged
    assert told[-1].examples < 500


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GdexpError])
def test_what_was_seen_is_told_before_the_descent_breaks_off(error: type[BaseException]) -> None:
    data = small_dataset()

    def eight_and_then_an_end() -> Iterator[tuple[NDArray[np.float64], int]]:
        yield from zip(data.train.inputs[:8], data.train.labels[:8], strict=True)
        raise error

    arrivals = Arrivals(replayed(data).dataset, eight_and_then_an_end())
    problem = network(arrivals.dataset)
    told = stream(
        problem,
        arrivals.batches(4, None, None),
        Update(RUNNING),
        State.begin(problem, 0),
        Stream(),
        eta=0.5,
    )
    assert next(told).examples == 8
    with pytest.raises(error):
        next(told)


ALLOWED: dict[str, Any] = {
    "scaling": RUNNING,
    "schedule": Constant(),
    "stop": AfterEpochs(),
    "penalty": Penalty(),
    "epochs": None,
}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"scaling": Scaling("mean")}, "nobody knows n"),
        ({"penalty": Penalty(l2=0.1)}, "m/n"),
        ({"epochs": 3}, "gone through once"),
        ({"schedule": InverseTime("epoch", 3)}, "schedule.by=update"),
        ({"schedule": Plateau(0.5, 3, 0.1)}, "schedule.by=update"),
        ({"schedule": Cosine("update", 0, 0.0)}, "stream.examples must be set"),
        ({"stop": Early(3, "accuracy", False)}, "stream.seconds"),
    ],
)
def test_what_needs_n_is_refused(setting: dict[str, Any], told: str) -> None:
    with pytest.raises(GdexpError, match=told):
        Stream().check(**{**ALLOWED, **setting}, updates=None)
    Stream().check(**ALLOWED, updates=None)
    Stream().check(**{**ALLOWED, "schedule": Cosine("update", 0, 0.0)}, updates=10)


def test_thinning_keeps_what_a_summary_tells_of() -> None:
    rng = np.random.default_rng(0)
    epochs = [
        Epoch(k, k, k, 0.0, 1.0, {name: Measure(1, 999, int(rng.integers(999))) for name in PARTS})
        for k in range(1, 102)
    ]
    kept = thinned(epochs)
    assert len(kept) <= 54
    assert [each.number for each in kept] == sorted(each.number for each in kept)
    assert kept[0] is epochs[0]
    assert kept[-1] is epochs[-1]
    for part in ("val", "test"):
        best = max(epochs, key=lambda epoch: epoch.parts[part].accuracy or 0)
        assert best in kept
    assert all(b.number - a.number <= 2 for a, b in pairwise(kept))
    assert math.isfinite(max(each.merit for each in kept))


PARTS = ("train", "val", "test")


def test_a_source_of_ones_own_needs_an_iterator_and_two_attributes() -> None:
    data = small_dataset()

    class Twice:
        updates: int | None = 2
        ended = "that was all"

        def __iter__(self) -> Iterator[Examples]:
            yield data.train
            yield data.train

    batches: Batches = Twice()
    problem = network(replayed(data).dataset)
    (last,) = stream(problem, batches, Update(RUNNING), State.begin(problem, 0), Stream(), eta=0.5)
    assert (last.examples, last.ended) == (46, "that was all")
