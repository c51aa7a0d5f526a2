"""Epochs that are measured, and those that are not: the descent is the same."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from gdexp.data import Digits
from gdexp.descent import Evaluation, MiniBatch, Online, Scaling, State, descent
from gdexp.errors import SettingError
from gdexp.experiment import loaded
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import Command, small_dataset


def numbers(every: int, epochs: int) -> list[int]:
    network = Network(Architecture([3]), Quadratic(), small_dataset())
    run = descent(
        network,
        MiniBatch(5),
        Scaling(),
        State.begin(network, 0),
        eta=0.1,
        epochs=epochs,
        evaluation=Evaluation(every),
    )
    return [epoch.number for epoch in run]


@pytest.mark.parametrize(
    ("every", "epochs", "expected"),
    [
        (1, 3, [0, 1, 2, 3]),
        (3, 10, [0, 3, 6, 9, 10]),
        (5, 10, [0, 5, 10]),
        (100, 7, [0, 7]),
        (2, 0, [0]),
    ],
)
def test_start_and_end_are_always_measured(every: int, epochs: int, expected: list[int]) -> None:
    assert numbers(every, epochs) == expected


def test_a_descent_that_diverges_is_told_at_once() -> None:
    network = Network(Architecture([8], "relu", "identity"), Quadratic(), small_dataset())
    state = State.begin(network, 0)
    run = list(
        descent(
            network,
            Online(),
            Scaling(),
            state,
            eta=1e9,
            epochs=1000,
            evaluation=Evaluation(500),
        )
    )
    assert run[-1].diverged
    assert run[-1].number < 20
    assert not np.isfinite(state.v).all()


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_epochs_is_refused(every: object) -> None:
    with pytest.raises(SettingError, match="every must be a whole number >= 1"):
        Evaluation(every)  # type: ignore[arg-type]


def test_fewer_measurements_of_the_same_descent(gdexp: Command, outputs: Path) -> None:
    for every in (1, 4):
        ran = gdexp("engine=blas", "epochs=10", f"eval.every={every}", "tracking=off")
        assert ran.returncode == 0, ran.stderr
        assert "after 10 epochs" in ran.stdout
    tables = [
        list(csv.DictReader(path.read_text().splitlines()))
        for path in sorted(outputs.glob("runs/*/*/history.csv"))
    ]
    all_of_them, some = ({row["epoch"]: row for row in table} for table in tables)
    assert list(some) == ["0", "4", "8", "10"]
    for epoch, row in some.items():
        for name, value in row.items():
            if name != "progress/seconds":
                assert math.isclose(float(value), float(all_of_them[epoch][name])), name


def test_a_sweep_loads_its_data_once() -> None:
    assert loaded(Digits()) is loaded(Digits())
