"""The range test against theory, and as a command."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from gdexp.descent import FullGradient, Update
from gdexp.diagnostics.ramp import Climb, Ramp, high
from tests.conftest import Command
from tests.diagnostics.test_landscape import Bowl


def test_on_a_bowl_gradient_descent_diverges_beyond_eta_2() -> None:
    # C = ½‖v‖², so that a step multiplies v by 1 − η, whose size is below 1 for 0 < η < 2.
    ramp = Ramp(1e-3, 10, 400)
    climb = ramp.climb(Bowl(5), FullGradient(), Update(), 0)
    assert climb.diverges is not None
    assert 2 < climb.diverges < 2 * 1.25
    assert climb.best is not None
    assert climb.best == pytest.approx(2, rel=0.1)
    assert climb.suggested == climb.best / 3
    assert climb.eta[-1] < 10  # it did not go on
    start = 0.5 * float(
        np.sum(Bowl(5).start(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0])) ** 2)
    )
    assert climb.before == pytest.approx(start)
    shrunk = start * np.cumprod((1 - climb.eta) ** 2)
    np.testing.assert_allclose(climb.cost[:200], shrunk[:200], rtol=1e-9)


def test_the_fastest_fall_is_where_the_slope_is_steepest() -> None:
    eta = np.geomspace(1e-3, 1, 200)
    climb = Climb(1.0, eta, 1 - 1 / (1 + (0.03 / eta) ** 4))  # falls fastest at 0.03
    assert climb.steepest == pytest.approx(0.03, rel=0.1)
    assert climb.diverges is None


def test_high_is_twice_the_lowest_so_far_or_not_a_number() -> None:
    cost = np.array([4, 2, 3.9, 4.1, 1, 2.1, np.inf, np.nan])
    assert high(cost).tolist() == [False, False, False, True, False, True, True, True]
    assert high(np.array([-1, -2, -0.1, 0.1])).tolist() == [False, False, False, True]


def test_it_diverges_from_where_the_cost_is_high_until_the_end() -> None:
    climb = Climb(5.0, np.arange(1.0, 7), np.array([4, 1, 3, 1.5, 9, np.nan]))
    assert climb.diverges == 5


def test_a_cost_that_only_rises_suggests_nothing() -> None:
    climb = Climb(1.0, np.geomspace(1, 10, 12), np.geomspace(2, 99, 12))
    assert climb.best is climb.suggested is climb.steepest is None
    assert climb.diverges is not None


def test_a_cost_that_falls_to_the_end_suggests_nothing() -> None:
    eta = np.geomspace(0.1, 10, 100)
    climb = Climb(1.0, eta, 1.0 - eta)
    assert climb.best == eta[-1]
    assert climb.suggested is None


def table(printed: str) -> dict[str, list[str]]:
    rows = re.findall(r"^([a-z ]+?) {2,}([\d.e+-]+) +([\d.e+-]+)$", printed, re.M)
    return {name: values for name, *values in rows}


def test_the_command_tells_both_conventions_and_what_to_try(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("find-eta", "optimizer=sgd", "batch=10", "rule=momentum")
    assert ran.returncode == 0, ran.stderr
    told = table(ran.stdout)
    assert list(told) == ["suggested", "cost fell fastest", "cost was lowest", "diverges from"]
    for mean, total in told.values():
        if mean != "-":
            assert float(mean) == pytest.approx(10 * float(total), rel=0.01)
    words = re.search(r"-m gdexp (optimizer=sgd batch=10 rule=momentum eta=\S+)", ran.stdout)
    assert words is not None
    (plot,) = outputs.glob("find-eta/*/*/find-eta.png")
    assert f"plot     {plot}" in ran.stdout
    with plot.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["eta"]) == 1e-5
    trained = gdexp(*words[1].split(), "epochs=2", "tracking=off")
    assert trained.returncode == 0
    assert "diverged" not in trained.stdout
    assert not list(outputs.glob("find-eta/*/*/journal.jsonl"))


def test_both_conventions_are_the_same_descent(gdexp: Command) -> None:
    mean, total = (
        table(gdexp("find-eta", f"scaling={scaling}", "optimizer=gd").stdout)
        for scaling in ("mean", "sum")
    )
    assert mean == total
    assert float(mean["suggested"][0]) == pytest.approx(
        1300 * float(mean["suggested"][1]), rel=0.01
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["from=0"], "from must be a finite number > 0. Got 0."),
        (["to=x"], "to must be a number. Got 'x'."),
        (["from=2", "to=1"], "to must be larger than from=2. Got 1."),
        (["steps=3"], "steps must be a whole number >= 10. Got 3."),
        (["examples=1.5"], "examples must be a whole number >= 1. Got 1.5."),
        (["-m", "eta=1,2"], "find-eta: takes the settings of one run."),
        (["eta=-1"], "eta must be a finite number > 0."),
        (["optimizr=gd"], "optimizr: no such setting. Did you mean optimizer?"),
        (["batch=5000"], "batch must be at most n = 1300"),
    ],
)
def test_mistakes_are_one_line(words: list[str], told: str, inside: Command, outputs: Path) -> None:
    ran = inside("find-eta", *words)
    assert ran.returncode == 1
    assert ran.stderr.startswith(told), ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not outputs.exists() or not list(outputs.glob("find-eta/*/*"))


def test_its_help_names_its_settings(gdexp: Command) -> None:
    ran = gdexp("find-eta", "--help")
    assert ran.returncode == 0
    for name in ("from=1e-05", "to=1000", "steps=300", "examples=1000"):
        assert name in ran.stdout
