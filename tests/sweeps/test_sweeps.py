"""Sweeps as people start them: planned, then run; what fails, and what is told of it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from gdexp.tracking import jobs
from gdexp.tracking.journal import Reader
from tests.conftest import CONF, Command

OFF = "tracking=off"
STUDIES = sorted(file.stem for file in (CONF / "study").glob("*.yaml"))
CHECKED = ["diagnostics=[gradcheck]", "epochs=1"]  # which a threshold of 0 makes fail
FAILS = "diagnostics.gradcheck.threshold=1e-30,1"


def sweep_of(outputs: Path) -> Path:
    (found,) = outputs.glob("sweeps/*/*")
    return found


def test_contradictions_are_told_all_at_once_before_anything_runs(
    inside: Command, outputs: Path
) -> None:
    ran = inside("-m", "batch=0,10,5000", "epochs=1,-1")  # its feeder is sent away again
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    assert "batch must be a whole number >= 1. Got 0. Write for example batch=10." in lines
    assert "  job 0 (batch=0 epochs=1)" in lines
    assert "  job 3 (batch=10 epochs=-1)" in lines
    assert any(line.startswith("job 4 (batch=5000 epochs=1): batch must be at") for line in lines)
    assert lines[-1] == "5 of 6 jobs cannot be, and none was begun."
    assert ran.stdout == ""
    assert not [*outputs.rglob("*")]


def test_a_dry_run_prints_the_jobs_and_leaves_nothing(inside: Command, outputs: Path) -> None:
    ran = inside("-m", "optimizer=gd", "eta=1,2,1", "seed=range(2)", "sweep.dry_run=true")
    assert ran.returncode == 0
    rows = [line.split() for line in ran.stdout.splitlines()[2:] if line]
    assert rows == [
        *(["job", "eta", "seed"], ["0", "1", "0"], ["1", "1", "1"]),
        *(["2", "2", "0"], ["3", "2", "1"]),
    ]
    assert "eta=1 seed=0: is the same as job 0, and runs once" in ran.stderr
    assert not [*outputs.rglob("*")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-m", "sweep.dry_run=yes"], "sweep.dry_run must be true or false. Got 'yes'."),
        (["-m", "sweep.dry=true"], "sweep.dry: no such setting. Did you mean sweep.dry_run?"),
        (["sweep.dry_run=true"], "sweep.dry_run=true: is of sweeps. Write python -m gdexp -m"),
        (["+study=variants"], "+study=variants: is of sweeps. Write python -m gdexp -m +study="),
        (["-m", "study=nothing"], "study must be one of architectures, batch_sizes,"),
        (["-m", "+study=rules,scaling"], "one study at a time. Write +study=NAME."),
    ],
)
def test_what_no_sweep_can_be_is_one_line(
    words: list[str], told: str, inside: Command, outputs: Path
) -> None:
    ran = inside(*words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not [*outputs.rglob("*")]


def test_a_failing_job_stops_no_other_but_with_fail_fast(inside: Command, outputs: Path) -> None:
    ran = inside("-m", *CHECKED, FAILS, OFF)
    assert ran.returncode == 1
    assert "1 of 2 jobs finished, 1 failed, all with diagnostics=[gradcheck] epochs=1" in ran.stdout
    told = r"\njob 0 \(diagnostics.gradcheck.threshold=1e-30\): failed: diagnostics.gradcheck: the"
    assert re.search(told, ran.stdout)
    *_, end = Reader(sweep_of(outputs)).new()
    assert (end["status"], end["tags"]["gdexp.outcome"]) == ("FAILED", "failed")
    assert "failed: job 0" in end["tags"]["gdexp.reason"]
    shutil.rmtree(outputs)
    for launcher in ("launcher=basic", "launcher.workers=1"):
        ran = inside("-m", *CHECKED, FAILS, OFF, "sweep.fail_fast=true", launcher)
        assert ran.returncode == 1
        assert "0 of 2 jobs finished, 1 failed, 1 not begun" in ran.stdout
        assert sorted(path.name for path in sweep_of(outputs).glob("[0-9]")) == ["0"]
        shutil.rmtree(outputs)


def test_a_job_that_cannot_even_begin_is_recorded_as_failed(
    inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gdexp.errors import GdexpError
    from gdexp.fitting import fitting

    def gone(experiment: object, arrivals: None) -> object:
        if sweep := [*outputs.glob("sweeps/*/*")]:
            assert sweep
            raise GdexpError("data: the files are gone.")
        return fitting(experiment, arrivals)  # type: ignore[arg-type]

    monkeypatch.setattr("gdexp.training.fitting", gone)
    ran = inside("-m", "seed=1,2", "epochs=1", OFF)
    assert ran.returncode == 1
    assert "0 of 2 jobs finished, 2 failed" in ran.stdout
    states = jobs.states(sweep_of(outputs))
    assert [(job.status, job.reason) for job in states] == [
        ("FAILED", "data: the files are gone.")
    ] * 2


def test_what_is_edited_while_a_sweep_runs_changes_nothing(
    inside: Command, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gdexp import places, task, training

    menu = tmp_path / "conf"
    shutil.copytree(CONF, menu)
    monkeypatch.setattr(places, "conf", lambda: menu)
    whole = training.train

    def editing(request: object, announce: object, left: object) -> object:
        (menu / "config.yaml").write_text("eta: nonsense: [\n")
        (menu / "architecture" / "hidden_30.yaml").write_text("hidden: [1]\n")
        return whole(request, announce, left)  # type: ignore[arg-type]

    monkeypatch.setattr(task, "train", editing)
    ran = inside("-m", "batch=10,20", "epochs=1", OFF, "launcher=basic")
    assert ran.returncode == 0, ran.stderr
    for job in jobs.states(sweep_of(outputs)):
        assert job.start["config"]["architecture"]["hidden"] == [30]
        assert job.start["name"] == f"sgd m={10 * (job.number + 1)} eta=3 s=0"


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_made_of_jobs_that_can_be(
    name: str, inside: Command, mnist_root: Path
) -> None:
    ran = inside("-m", f"+study={name}", "sweep.dry_run=true", GDEXP_DATA=str(mnist_root))
    assert ran.returncode == 0, ran.stderr
    assert re.match(r"\d+ jobs", ran.stdout)


@pytest.mark.parametrize("name", [each for each in STUDIES if each not in ("nielsen", "variants")])
def test_a_study_runs_and_what_is_written_replaces_its_axes(
    name: str, inside: Command, outputs: Path
) -> None:
    ran = inside("-m", f"study={name}", "seed=5", "epochs=1", "data=iris", "batch=50", OFF)
    assert ran.returncode == 0, ran.stderr
    assert "report   none: runs are read from a store, and tracking=off has none" in ran.stdout
    states = jobs.states(sweep_of(outputs))
    assert states
    for job in states:
        assert (job.start["config"]["seed"], job.start["config"]["epochs"]) == (5, 1)
        assert "study" not in job.start["config"]


def test_tables_fit_and_show_what_there_is(inside: Command, outputs: Path) -> None:
    bare = ["epochs=2", "problem.draw=false", OFF]
    words = ["-m", "data=houses", "problem=linear_regression", "eta=0.01,0.1", *bare]
    ran = inside(*words, COLUMNS="60")
    assert ran.returncode == 0, ran.stderr
    head, *rows = ran.stdout.partition("\n\n")[2].partition("\n\n")[0].splitlines()
    assert "val cost best" in head
    costs = [float(re.findall(r"[\d.]+e\+\d+", row)[-1]) for row in rows]
    assert len(costs) == 2
    assert costs == sorted(costs)
    assert all(len(line.rstrip()) <= 60 for line in [head, *rows])
    assert "sorted by the best validation cost" in ran.stdout
    assert "engine   reference, float64\n" in ran.stdout
    shutil.rmtree(outputs)
    ran = inside("-m", "problem=function", "function=bowl", "eta=0.1,0.2", *bare)
    assert ran.stdout.partition("\n\n")[2].split("\n")[0].split() == [
        *("job", "eta", "train", "cost", "cost", "best", "seconds", "outcome")
    ]


def test_the_table_is_kept_as_csv_and_as_mlflow_reads_it(inside: Command, outputs: Path) -> None:
    inside("-m", "optimizer=gd", "eta=0.1,1", "epochs=1", OFF)
    table = json.loads((sweep_of(outputs) / "jobs.json").read_text())
    lines = (sweep_of(outputs) / "jobs.csv").read_text().splitlines()
    assert lines[0] == ",".join(table["columns"])
    assert table["columns"][:4] == ["job", "eta", "status", "outcome"]
    assert [row[0] for row in table["data"]] == [int(line.split(",")[0]) for line in lines[1:]]
