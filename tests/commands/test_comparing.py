"""runs, compare, diff and convert as a user types them, on a store of real runs."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from scipy import stats

from gdexp.stored import StoredRun
from tests.conftest import Command
from tests.stores import ALL, NETWORKS, named

Told = Callable[..., "CompletedProcess[str]"]
BOOK, TWIN = "reference sgd m=10 eta=3 s=0", "sum reference sgd m=10 eta=0.3 s=0"


@pytest.fixture
def told(inside: Command, store: Path) -> Told:
    """Run a command on the shared store, on a terminal of 80 columns."""

    def run(*words: str, outputs: Path = store, columns: int = 80) -> "CompletedProcess[str]":
        return inside(*words, GDEXP_OUTPUTS=str(outputs), COLUMNS=str(columns))

    return run


def fine(ran: "CompletedProcess[str]") -> str:
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_runs_are_listed_the_latest_first(told: Told, runs: list[StoredRun]) -> None:
    listed = fine(told("runs", columns=120)).splitlines()
    assert [line[:8] for line in listed[1:-2]] == [run.id[:8] for run in runs]
    assert listed[-1] == f"{ALL} runs in experiment 'gdexp'"
    assert "84.62%" in next(line for line in listed if line.startswith(named(runs, BOOK).id[:8]))
    assert "diverged" in listed[1]
    few = fine(told("runs", "--where", "problem=network", "-n", "3"))
    assert f"the latest 3 of {NETWORKS} runs in experiment 'gdexp'" in few


def test_runs_as_tables_for_other_programs(told: Told, runs: list[StoredRun]) -> None:
    as_csv = rows(fine(told("runs", "--csv")))
    as_json = json.loads(fine(told("runs", "--json")))
    ids = [run.id for run in runs]
    assert [row["run"] for row in as_csv] == [row["run"] for row in as_json] == ids
    assert as_json[-1]["best/val_accuracy"] == runs[-1].metrics["best/val_accuracy"]
    assert as_json[0]["best/val_accuracy"] is None  # a function has none
    assert len(rows(fine(told("runs", "-n", "2", "--csv")))) == 2


def test_seeds_stand_together_with_their_interval(told: Told, runs: list[StoredRun]) -> None:
    table = {r["variant"]: r for r in rows(fine(told("compare", "--where", "batch=10", "--csv")))}
    assert set(table) == {f"eta={eta} {s}" for eta in ("3", "0.3") for s in ("mean", "sum")}
    one, other = (
        [named(runs, f"{name} s={seed}").metrics["best/val_accuracy"] for seed in (0, 1)]
        for name in ("reference sgd m=10 eta=0.3", BOOK.removesuffix(" s=0"))
    )
    row = table["eta=0.3 mean"]
    low, high = stats.t.interval(0.95, 1, np.mean(one), stats.sem(one))
    assert float(row["best"]) == pytest.approx(np.mean(one))
    assert (float(row["best_low"]), float(row["best_high"])) == pytest.approx((low, high))
    tested = stats.ttest_rel(one, other)
    assert float(row["difference"]) == pytest.approx(np.mean(one) - np.mean(other))
    assert row["test"] == "paired t-test"
    assert tested.pvalue < float(row["p"]) <= 3 * tested.pvalue  # Holm's, of three
    assert row["runs"] == "2"


def test_all_are_told_what_they_had_at_equal_cost(told: Told, runs: list[StoredRun]) -> None:
    words = ("compare", "--where", "eta=3.0 and scaling=mean", "--json", "--each")
    found = json.loads(fine(told(*words)))
    assert found["metric"] == "val/accuracy"
    assert (found["spent"]["updates"], found["spent"]["examples"]) == (26, 2600)
    by_id = {row["run"]: row for row in found["rows"]}
    small, large = (named(runs, f"reference sgd m={m} eta=3 s=0") for m in (10, 100))
    assert by_id[small.id]["updates_at"] == 0  # of 130 an epoch: nothing was measured before
    assert by_id[large.id]["updates_at"] == 26
    assert by_id[large.id]["at_updates"] == large.metrics["val/accuracy"]
    assert by_id[small.id]["at_examples"] == small.metrics["val/accuracy"]
    assert any("at 26 updates: the last measurement before" in each for each in found["findings"])


def test_the_table_fits_a_terminal(told: Told) -> None:
    for columns in (80, 120, 200):
        text = fine(told("compare", "--where", "problem=network", columns=columns))
        assert max(map(len, text.splitlines())) <= columns
        assert re.search(r"16 runs of 8 variants by val/accuracy \(higher is better\)", text)
        assert "m=10 eta=3 mean" in text or "m=10 eta=3\nmean" in text.replace(" \n", "\n")


def test_the_same_descent_under_two_conventions_is_told(told: Told) -> None:
    text = " ".join(fine(told("compare", "--where", "batch=10")).split())
    assert "eta=0.3 sum and eta=3 mean are the same descent (η/m: 3/10 = 0.3)" in text
    assert "their curves are equal, bit by bit, over 2 seeds" in text
    assert "have one number for η and are different descents" in text


def test_the_convention_that_a_comparison_rests_on_is_told(told: Told) -> None:
    conditions = "eta=3.0 and scaling=mean"
    text = " ".join(fine(told("compare", "--where", conditions)).split())
    assert "these are at equal η under mean only: at equal η under mean (3) m=10 is ahead" in text


def test_runs_without_accuracy_compare_by_cost(told: Told) -> None:
    text = fine(told("compare", "--where", "problem=function"))
    assert "3 runs of 3 variants by train/cost_mean (lower is better)" in text
    best, *others = (line for line in text.splitlines() if line.startswith("eta="))
    assert best.startswith("eta=0.2")
    assert "best" in best
    assert "inf" in others[1]
    assert "the cost of a run that diverged counts as infinite" in text
    assert "differences are not tested" in text


def test_what_is_not_comparable_is_said(told: Told) -> None:
    text = fine(told("compare", "--where", "seed=0", "--csv"))
    assert {row["variant"][:8] for row in rows(text)} >= {"gd eta=0", "sgd m=10"}
    words = " ".join(fine(told("compare", "--where", "seed=0")).split())
    assert "caution: problem, function, data, cost differ" in words


def test_markdown_is_a_table(told: Told) -> None:
    lines = fine(told("compare", BOOK, TWIN, "--markdown")).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert set(lines[1]) == set("| -")


def test_unfinished_runs_are_left_out(
    told: Told, changed: Callable[..., Path], runs: list[StoredRun]
) -> None:
    outputs = changed(f"UPDATE runs SET status = 'KILLED' WHERE run_uuid = '{runs[-1].id}'")
    text = fine(told("compare", "--where", "batch=10", outputs=outputs))
    assert "left out: 1 run not finished (KILLED)" in text
    assert text.startswith("\n7 runs of 4 variants")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["compare"], "compare: name runs, or conditions on them"),
        (["compare", "latest"], "cannot be compared"),
        (["compare", "latest", "0123abcd"], "run '0123abcd': there is none such"),
        (["compare", "--where", "eta>1000"], "none of the 19 runs in experiment 'gdexp' meets"),
        (["compare", "--where", "eta~1"], "--where: cannot read"),
        (["compare", "latest", BOOK, "--metric", "val/accuracy"], "--metric: run "),
        (["compare", "latest", BOOK, "--by", "luck"], "invalid choice"),
        (["compare", "latest", BOOK, "--csv", "--json"], "not allowed with argument"),
        (["compare", "latest", BOOK, "--experiment", "none"], "experiment 'none' is not in the"),
        (["compare", "latest", BOOK, "tracking.uri=x"], "tracking.uri must be"),
        (["diff", "latest"], "diff: two runs must be named. Got 1."),
        (["diff", "latest", "latest~0"], "diff: both are run"),
        (["diff", "latest", "nothing"], "run 'nothing': there is none such"),
        (["runs", "-n", "0"], "-n must be a whole number >= 1. Got 0."),
        (["runs", "-n", "many"], "invalid int value"),
        (["runs", "--where", "etta=3"], "Did you mean eta"),
        (["runs", "outputs=/nowhere"], "there is no store at /nowhere/mlflow.db yet"),
        (["convert"], "convert: eta must be set."),
        (["convert", "eta=3", "batch=10", "from=mean"], "convert: to must be set."),
        (["convert", "eta=three", "batch=10", "from=mean", "to=sum"], "eta must be a finite"),
        (["convert", "eta=3", "from=mean", "to=sum"], "batch must be given, or else n"),
        (["convert", "eta=3", "batch=1.5", "from=mean", "to=sum"], "batch must be a whole"),
        (["convert", "eta=3", "batch=10", "from=mean", "to=sum", "m=1"], "'m=1' is not a setting"),
        (["convert", "eta=3", "batch=10", "from=mean", "to=sum", "rule=x"], "rule must be one of"),
    ],
)
def test_a_mistake_is_one_line(told: Told, words: list[str], error: str) -> None:
    ran = told(*words)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert error in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("statement", "words", "error"),
    [
        (
            "UPDATE runs SET status = 'RUNNING'",
            ["--where", "eta>0"],
            "none of the 19 runs is finished",
        ),
        ("DELETE FROM latest_metrics", ["latest", "latest~1"], "the 2 runs share no metric of"),
        ("DROP TABLE metrics", ["latest", "latest~1"], "tracking.uri: cannot read sqlite"),
    ],
)
def test_stores_without_what_is_needed(
    told: Told, changed: Callable[..., Path], statement: str, words: list[str], error: str
) -> None:
    ran = told("compare", *words, outputs=changed(statement))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert error in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_runs_that_are_the_same_descent_never_part(told: Told) -> None:
    text = fine(told("diff", BOOK, TWIN))
    assert "settings: the same descent under two conventions" in text
    assert re.search(r"^eta +3\.0 +0\.3", text, re.M)
    assert "environment: the same" in text
    assert "data: the same" in text
    assert "equal, bit by bit, in all that both measured: 3 measurements, epochs 0 to 2" in text


def test_runs_of_one_start_part_within_the_first_epoch(told: Told) -> None:
    text = fine(told("diff", BOOK, "reference sgd m=10 eta=0.3 s=0"))
    assert "equal, bit by bit, to epoch 0; different at epoch 1, so they part" in text
    assert "between update 1 and 130" in text
    assert "at the last epoch that both measured, 2:" in text
    assert re.search(r"train/cost_mean +0\.\d+ +0\.\d+ +apart", text)


def test_other_data_and_environments_are_told(
    told: Told,
    changed: Callable[..., Path],
    runs: list[StoredRun],
    store: Path,
    tmp_path: Path,
) -> None:
    book = named(runs, BOOK)
    (journal,) = [
        each.parent / "journal.jsonl"
        for each in store.glob("sweeps/*/*/*/mlflow.json")
        if book.id in each.read_text(encoding="utf-8")
    ]
    environment = json.loads((journal.parent / "environment.json").read_text())
    environment["packages"]["numpy"] = "1.0"
    (tmp_path / "environment.json").write_text(json.dumps(environment))
    moved = f"UPDATE runs SET artifact_uri = '{tmp_path}' WHERE run_uuid = '{book.id}'"
    text = fine(told("diff", BOOK, TWIN, outputs=changed(moved)))
    assert re.search(r"^packages.numpy +1\.0 ", text, re.M)
    assert "data: not known of the first" in text  # its journal is gone
    assert "of the first run, what MLflow has is compared" in text
    assert "equal, bit by bit, in all that both measured" in text


def test_curves_by_update_tell_the_update(
    told: Told, changed: Callable[..., Path], runs: list[StoredRun]
) -> None:
    points = [
        f"INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES "
        f"('by_update/train_cost', {value}, 1, '{named(runs, name).id}', {step}, 0)"
        for name, values in ((BOOK, (1.0, 0.5, 0.25)), (TWIN, (1.0, 0.5, 0.2)))
        for step, value in zip((1, 2, 17), values, strict=True)
    ]
    text = fine(told("diff", BOOK, TWIN, outputs=changed(*points)))
    assert "by update: they differ at update 17, and equal at 2" in text


@pytest.mark.parametrize(
    ("words", "answer", "reason"),
    [
        ("eta=3.0 batch=10 from=mean to=sum", "0.3", "η(sum) = η(mean)/m = 3/10 = 0.3"),
        ("eta=0.3 batch=10 from=sum to=mean", "3", "η(mean) = η(sum) · m = 0.3 · 10 = 3"),
        ("eta=5 n=1300 from=mean to=sum", "0.00384615384615", "m = 1,300 examples, all"),
        ("eta=3 batch=10 from=mean to=mean", "3", "nothing changes"),
        ("eta=0.01 batch=10 from=mean to=sum rule=adam", "0.01", "is the same for both"),
        ("eta=3 batch=10 n=1305 from=mean to=sum", "0.3", "last mini-batch, of 5"),
    ],
)
def test_a_learning_rate_in_the_other_convention(
    told: Told, words: str, answer: str, reason: str
) -> None:
    first, *rest = fine(told("convert", *words.split())).splitlines()
    assert first == f"eta={answer}"
    assert reason in " ".join(rest)


@pytest.mark.parametrize("command", ["runs", "compare", "diff", "convert"])
def test_help_teaches_with_an_example(
    told: Told, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "convert":
        text = fine(told(command, "--help"))
    else:
        with pytest.raises(SystemExit) as raised:
            told(command, "--help")
        assert raised.value.code == 0
        text = capsys.readouterr().out
    assert f"  python -m gdexp {command} " in text
