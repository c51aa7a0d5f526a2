"""Updates in the journal: what each cost, to the bit, and how few of them a store gets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp import recorded
from gdexp.errors import SettingError
from gdexp.replay.values import compared, of_journal
from gdexp.tracking import Journaling, Reader
from gdexp.tracking.by_update import BATCH, ByBatch
from gdexp.tracking.curves import MOST_POINTS
from tests.conftest import Command

WORDS = ["tracking=off", "epochs=2", "eval.every=2", "engine=reference", "batch=100"]


def written(outputs: Path, inside: Command, *words: str) -> tuple[Path, list[dict[str, Any]]]:
    ran = inside(*words)
    assert ran.returncode == 0, ran.stderr
    folder = max(outputs.glob("runs/*/*"))
    return folder, [*Reader(folder).new()]


def test_each_update_is_told_and_nothing_else_is_changed(outputs: Path, inside: Command) -> None:
    plain, without = written(outputs, inside, *WORDS)
    folder, records = written(outputs, inside, *WORDS, "journal.updates=true")
    assert (plain / "model.npz").read_bytes() == (folder / "model.npz").read_bytes()
    assert not [record for record in without if record["kind"] == "updates"]
    told = [record for record in records if record["kind"] == "updates"]
    assert [(each["epoch"], each["first"]) for each in told] == [(1, 1), (2, 14)]
    costs = told[0]["costs"] + told[1]["costs"]
    assert costs == by_hand(folder, records[0])
    values = of_journal(records)
    assert values[2]["cost of update 26"] == costs[25]
    told[1]["costs"][12] += 1e-9
    (difference,) = compared(values, of_journal(records)).differences
    assert (difference.at, difference.name) == (2, "cost of update 26")


def by_hand(folder: Path, start: dict[str, Any]) -> list[float]:
    """Descend as it is written in the book, measuring each mini-batch before its step."""
    experiment = recorded.request(folder, start).experiment
    problem, costs = experiment.build(), []
    first, orders = np.random.SeedSequence(experiment.seed).spawn(2)
    v, rng = problem.start(np.random.default_rng(first)), np.random.default_rng(orders)
    for _ in range(2):
        for batch in experiment.optimizer.batches(problem.n, rng):  # type: ignore[union-attr]
            assert isinstance(batch, np.ndarray)
            costs.append(problem.cost(v, batch) / len(batch))
            v += problem.gradient(v, batch) * -(experiment.eta / len(batch))
    return costs


def test_other_problems_tell_theirs(outputs: Path, inside: Command) -> None:
    words = ["problem=linear_regression", "problem.draw=false", "data=diabetes", "eta=0.1"]
    more = ["tracking=off", "epochs=3", "journal.updates=true"]
    _, records = written(outputs, inside, *words, *more)
    told = [record for record in records if record["kind"] == "updates"]
    assert [each["epoch"] for each in told] == [1, 2, 3]
    costs = [cost for each in told for cost in each["costs"]]
    assert costs[0] > costs[-1] > 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("engine=blas", "engine=blas does not tell the cost of each update"),
        ("optimizer=stream", "journal.updates: a stream reports as often as stream.report says"),
    ],
)
def test_what_does_not_go_with_it_is_told(words: str, why: str, inside: Command) -> None:
    ran = inside("tracking=off", "journal.updates=true", words)
    assert ran.returncode == 1
    assert why in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_it_is_true_or_false() -> None:
    with pytest.raises(SettingError, match=r"updates must be true or false. Got 3"):
        Journaling(updates=3)  # type: ignore[arg-type]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=60), st.integers(0, 5))
def test_a_store_gets_few_of_them(sizes: list[int], scale: int) -> None:
    chooser, first, points = ByBatch(), 1, []
    for size in (each * 10**scale if scale < 3 else each for each in sizes):
        costs = range(first, first + size)  # each update costs its number
        points += chooser.take({"kind": "updates", "time": 1, "first": first, "costs": costs})
        first += size
    points += chooser.last()
    steps = [point["epoch"] for point in points]
    assert steps == sorted(set(steps))
    assert len(steps) <= MOST_POINTS
    assert (steps[0], steps[-1]) == (1, first - 1)
    assert all(point["metrics"] == {BATCH: point["epoch"]} for point in points)
    json.dumps(points)
