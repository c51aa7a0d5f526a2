"""Searches as people start them: what is tried, what it comes to, and what is told of it."""

import csv
import json
import os
import re
import shlex
import sqlite3
import statistics
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.search import GRID, METRIC, SPACE
from gdexp.search import study
from gdexp.search.finding import listed
from gdexp.tracking import jobs
from gdexp.tracking.jobs import JobState
from gdexp.tracking.journal import Reader
from tests.conftest import ROOT, Command, command
from tests.servers import until
from tests.sweeps.test_sweeps import OFF, sweep_of
from tests.tracking.test_killed import start

if not find_spec("optuna"):  # importing it here would cost each process of tests a second
    pytest.skip("optuna is not installed", allow_module_level=True)

TRIALS = int(os.environ.get("GDEXP_SEARCH", "12"))  # 40 is what the docs tell of
DOC = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
SEARCH = ["-m", "sweeper=optuna", OFF, "launcher.workers=1"]
WHOLE = [*SEARCH, *SPACE, f"search.trials={TRIALS}", "search.pruner=median"]


def outcomes(outputs: Path) -> list[tuple[Any, ...]]:
    """Give what each job was, and what it came to, bit for bit."""
    found = []
    for job in jobs.states(sweep_of(outputs)):
        epochs = [each for each in Reader(job.folder).new() if each["kind"] == "epoch"]
        found.append((dict(job.varies), job.status, [each["cost"] for each in epochs]))
    return found


def told(outputs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sweep_of(outputs) / "search.json").read_text())
    return found


def optuna_s(outputs: Path) -> Any:
    """Load the study as anybody would."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(sweep_of(outputs) / study.NAME)))
    return optuna.load_study(study_name=None, storage=storage)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a search that nobody interrupted."""
    outputs = tmp_path_factory.mktemp("whole")
    ran = command(*WHOLE, outputs=outputs, cwd=outputs)
    assert ran.returncode == 0, ran.stderr
    return outputs


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(
    whole: Path, outputs: Path, tmp_path: Path
) -> None:
    process = start(outputs, *WHOLE)
    until(lambda: [*outputs.glob(f"sweeps/*/*/{TRIALS // 2}/journal.jsonl")])
    process.kill()
    process.communicate()
    ran = command(*WHOLE, "sweep.resume=true", outputs=outputs, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert re.search(rf"\d of {TRIALS} trials begun before", ran.stderr)
    assert outcomes(outputs) == outcomes(whole)
    assert told(outputs)["best"] == told(whole)["best"]
    ran = command(*WHOLE, "sweep.resume=true", outputs=outputs, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "nothing is left to be done" in ran.stderr


def test_few_trials_come_near_the_best_of_a_grid(whole: Path) -> None:
    with GRID.open() as file:
        grid = [float(row[METRIC]) for row in csv.DictReader(file)]
    assert len(grid) == 200
    states = jobs.states(sweep_of(whole))
    assert len(states) == TRIALS
    best = max(job.metrics.get(METRIC, 0.0) for job in states)
    assert best >= 0.95 * max(grid)
    assert told(whole)["best"][0]["reached"]["merit"] == best


def test_runs_below_the_median_of_those_before_are_pruned_and_no_others(whole: Path) -> None:
    before: list[list[float]] = []
    pruned = 0
    for job in jobs.states(sweep_of(whole)):
        curve = [
            float(each["metrics"]["val/accuracy"])
            for each in Reader(job.folder).new()
            if each["kind"] == "epoch" and each["epoch"]
        ]
        last = len(curve)
        hopeless = [
            max(curve[:epoch]) < statistics.median(other[epoch - 1] for other in before)
            for epoch in range(3 + 1, 10)  # from after the warm-up to before the last
            if len(before) >= 5 and epoch <= last
        ]
        assert hopeless == [False] * (len(hopeless) - 1) + [job.status == "PRUNED"] * bool(hopeless)
        if job.status == "FINISHED":
            before.append(curve)
        else:
            pruned += 1
            assert job.reason.startswith(f"hopeless after epoch {last}, with merit ")
    assert pruned


def test_a_trial_is_chosen_when_it_is_known_what_the_one_before_came_to(whole: Path) -> None:
    records = [each for each in Reader(sweep_of(whole)).new() if each["kind"] == "jobs"]
    asked = [each["time"] for each in records if each["jobs"]]
    ends = [job.end["time"] for job in jobs.states(sweep_of(whole))]
    assert all(end <= time for end, time in zip(ends, asked[1:], strict=False))


def test_optuna_reads_the_study(whole: Path) -> None:
    found = optuna_s(whole)
    states = jobs.states(sweep_of(whole))
    assert [trial.user_attrs["jobs"] for trial in found.trials] == [[job.number] for job in states]
    names = [trial.state.name.replace("COMPLETE", "FINISHED") for trial in found.trials]
    assert names == [job.status for job in states]
    best = told(whole)["best"][0]
    assert [best["trial"], best["reached"]["merit"]] == [found.best_trial.number, found.best_value]
    assert f"eta={states[best['jobs'][0]].varies['eta']}" in best["overrides"]


def test_ranges_that_depend_on_an_option_are_searched_with_it_only(
    inside: Command, outputs: Path
) -> None:
    words = ["rule=plain,momentum", "rule.mu=interval(0.5,0.99)", "eta=interval(0.1,3)"]
    ran = inside(*SEARCH, *words, "search.trials=6", "epochs=1", "search.sampler=random")
    assert ran.returncode == 0, ran.stderr
    rules = set()
    for job in jobs.states(sweep_of(outputs)):
        rule = job.varies["rule"]
        rules.add(rule)
        assert ("rule.mu" in job.varies) == (rule == "momentum")
    assert rules == {"plain", "momentum"}


def test_further_seeds_are_for_the_best(inside: Command, outputs: Path) -> None:
    words = ["eta=tag(log,interval(0.01,20))", "seed=4", "search.seeds=3", "search.trials=6"]
    ran = inside(*SEARCH, *words, "epochs=1", "data=iris")
    assert ran.returncode == 0, ran.stderr
    runs: dict[int, list[JobState]] = {}
    for each, job in zip(listed(sweep_of(outputs)), jobs.states(sweep_of(outputs)), strict=True):
        runs.setdefault(each["trial"], []).append(job)
    first: list[float] = []
    for trial in runs.values():
        assert [job.varies["seed"] for job in trial] == ["4", "5", "6"][: len(trial)]
        first.append(trial[0].metrics[METRIC])
        rank = sorted(first, reverse=True)[max(len(first) // 3 - 1, 0)]
        assert (len(trial) > 1) == (first[-1] >= rank)
    assert len({len(trial) for trial in runs.values()}) > 1
    means = {
        number: statistics.fmean(job.metrics[METRIC] for job in trial)
        for number, trial in runs.items()
        if len(trial) == 3
    }
    (best,) = told(outputs)["best"]
    assert best["reached"]["merit"] == pytest.approx(max(means.values()))
    assert "the mean of 3 seeds" in ran.stdout


def test_several_objectives_have_a_set_that_none_excels(inside: Command, outputs: Path) -> None:
    words = ["architecture.hidden=[2],[30]", "eta=interval(0.1,5)", "search.trials=6"]
    objective = ["search.objective=[accuracy,best/epoch]", "search.direction=[maximize,minimize]"]
    ran = inside(*SEARCH, *words, *objective, "epochs=3")
    assert ran.returncode == 0, ran.stderr
    reached = [
        (job.metrics[METRIC], -job.metrics["best/epoch"]) for job in jobs.states(sweep_of(outputs))
    ]
    front = {
        number
        for number, one in enumerate(reached)
        if not any(a >= one[0] and b >= one[1] and (a, b) != one for a, b in reached)
    }
    assert {best["jobs"][0] for best in told(outputs)["best"]} == front
    assert "that no other excels in everything" in ran.stdout


def test_a_failed_trial_ends_nothing_but_with_fail_fast(inside: Command, outputs: Path) -> None:
    fails = ["diagnostics=[gradcheck]", "diagnostics.gradcheck.threshold=1e-30,1", "epochs=1"]
    words = [*fails, "eta=interval(1,5)", "search.trials=6", "search.sampler=random"]
    ran = inside(*SEARCH, *words)
    assert ran.returncode == 1
    statuses = [job.status for job in jobs.states(sweep_of(outputs))]
    assert len(statuses) == 6
    assert {*statuses} == {"FINISHED", "FAILED"}
    assert [t.state.name for t in optuna_s(outputs).trials] == [
        {"FINISHED": "COMPLETE", "FAILED": "FAIL"}[status] for status in statuses
    ]
    ran = inside(*SEARCH, *words, "sweep.fail_fast=true", f"outputs={outputs / 'fast'}")
    assert ran.returncode == 1
    stopped = [job.status for job in jobs.states(sweep_of(outputs / "fast"))]
    assert stopped == statuses[: statuses.index("FAILED") + 1]


def test_what_was_run_is_not_run_again_and_any_launcher_will_do(
    inside: Command, outputs: Path
) -> None:
    words = ["-m", "sweeper=optuna", OFF, "launcher=basic", "epochs=1", "batch=10,20"]
    ran = inside(*words, "eta=range(1,4)", "search.sampler=tpe", "search.trials=50")
    assert ran.returncode == 0, ran.stderr
    tried = [tuple(job.varies.values()) for job in jobs.states(sweep_of(outputs))]
    every = [(batch, eta) for batch in ("10", "20") for eta in ("1", "2", "3")]
    assert sorted(tried) == every
    grid = outputs / "grid"
    ran = inside(*words, "eta=range(1,4)", "search.sampler=grid", f"outputs={grid}")
    assert ran.returncode == 0, ran.stderr
    tried = [tuple(job.varies.values()) for job in jobs.states(sweep_of(grid))]
    assert sorted(tried) == every
    assert tried != every


def test_a_search_is_one_run_in_mlflow_that_holds_it_all(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("-m", "sweeper=optuna", "eta=interval(1,5)", "search.trials=3", "epochs=1")
    assert ran.returncode == 0, ran.stderr
    with sqlite3.connect(outputs / "mlflow.db") as store:
        (parent,) = store.execute("SELECT run_uuid FROM tags WHERE value = 'sweep'").fetchone()
        tags = dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [parent]))
        params = dict(store.execute("SELECT key, value FROM params WHERE run_uuid = ?", [parent]))
        children = store.execute("SELECT value FROM tags WHERE key = 'gdexp.trial'").fetchall()
    assert sorted(children) == [("0",), ("1",), ("2",)]
    assert tags["mlflow.runName"] == "search of eta (3 trials)"
    assert tags["gdexp.jobs"] == "3 of 3 jobs finished"
    assert tags["gdexp.best_job"] == str(told(outputs)["best"][0]["jobs"][0])
    assert "sweeper=optuna" in tags["mlflow.note.content"]
    assert params["search.sampler"] == "tpe"
    (artifacts,) = outputs.glob(f"artifacts/*/{parent}/artifacts")
    assert {"study.log", "search.json", "jobs.csv"} <= {each.name for each in artifacts.iterdir()}
    again = re.findall(r"^again +.* -m gdexp (.*)$", ran.stdout, re.M)
    assert [*told(outputs)["best"][0]["overrides"]] == shlex.split(again[0])


@pytest.fixture
def refused(inside: Command, outputs: Path) -> Callable[..., str]:
    def run(*words: str) -> str:
        ran = inside("-m", OFF, *words)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert not [*outputs.rglob("*")]
        return ran.stderr

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["eta=interval(0,1)"], "eta=0.0: eta must be a finite number > 0. Got 0.0."),
        (["batch=interval(1,100)"], "whole numbers only with int(interval(1,100))"),
        (["rule.mu=interval(0.1,0.9)"], "rule.mu: means something only with rule=momentum or"),
        (["seed=range(5)"], "seed: a search over seeds would only find the luckiest."),
        (["+study=rules", "eta=interval(1,2)"], "study: its grids are gone through, not searched"),
        (["eta=interval(1,2)", "search.sampler=grid"], "goes through at most 10,000 points"),
        (["eta=interval(1,2)", "sweep.resume=true"], "no search of this space, with these sett"),
        (
            ["eta=interval(1,2)", "search.pruner=median", "launcher=basic"],
            "search.pruner: only launcher=local ends runs.",
        ),
    ],
)
def test_what_no_search_can_be_is_told_before_it_begins(
    words: list[str], said: str, refused: Any
) -> None:
    assert said in refused("sweeper=optuna", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["eta=interval(0,1)"], "or search it: sweeper=optuna."),
        (["eta=1,2", "search.trials=3"], "search.trials: means something only with sweeper=opt"),
        (["eta=1,2", "sweeper=nothing"], "sweeper must be one of basic, optuna, planned."),
    ],
)
def test_what_is_no_search_says_how_it_would_be_one(
    words: list[str], said: str, refused: Any
) -> None:
    assert said in refused(*words)


def test_what_is_not_installed_is_said(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import util

    monkeypatch.setattr(util, "find_spec", lambda name: None)
    line = refused("sweeper=optuna", "eta=interval(1,2)")
    assert line.startswith("sweeper=optuna: needs optuna, which is not installed. Write pip inst")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("line", re.findall(r"```sh\n(.*)\n```", DOC))
def test_the_commands_of_the_docs_can_be(line: str, inside: Command) -> None:
    ran = inside(*shlex.split(line)[3:], OFF, "search.trials=2", "epochs=1")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", DOC, re.S))
def test_the_python_of_the_docs_runs(
    code: str, whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sweep_of(whole))
    exec(compile(code, "search.md", "exec"), {})
    assert "'eta': " in capsys.readouterr().out


def test_the_space_is_shown_and_nothing_run(inside: Command, outputs: Path) -> None:
    ran = inside(*SEARCH, "eta=tag(log,interval(1,5))", "rule=plain,adam", "sweep.dry_run=true")
    assert ran.returncode == 0
    rows = [line.split() for line in ran.stdout.splitlines()[2:] if line]
    assert rows == [
        ["setting", "range", "scale"],
        ["rule", "plain,adam", "2", "values"],
        ["eta", "tag(log,interval(1,5))", "logarithmic"],
    ]
    assert not [*outputs.rglob("*")]
