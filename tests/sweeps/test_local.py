"""The launcher for one machine: equal bits, and what becomes of workers and of jobs."""

import json
import os
import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.sweeps.local import Settings
from gdexp.sweeps.watching import cores
from gdexp.terminal import SweepView
from gdexp.terminal.live import span
from gdexp.tracking import jobs
from gdexp.tracking.jobs import JobState
from gdexp.tracking.journal import Journal, Reader
from tests.conftest import ROOT, Command
from tests.nursery import Started
from tests.servers import until
from tests.sweeps.test_parent import statuses
from tests.sweeps.test_sweeps import OFF, sweep_of
from tests.tracking.test_killed import start

LONG = ["-m", "seed=range(3)", "epochs=1000000", "engine=reference", "launcher.workers=2"]
DOC = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
OWN = {"gdexp.pid", "gdexp.pid_began", "gdexp.sweep_id", "gdexp.journal"}  # of each run its own
TIMES = {"progress/seconds", "time/train_seconds", "time/total_seconds"}


def figures(folder: Path) -> list[Any]:
    """Give all that a run's journal has, but for times, places and who wrote it."""
    found = []
    for record in Reader(folder).new():
        kept = {name: each for name, each in record.items() if name not in ("time", "crc")}
        if "metrics" in kept:
            kept["metrics"] = {k: v for k, v in kept["metrics"].items() if k not in TIMES}
        tags = kept.get("tags", {})
        kept["tags"] = {k: v for k, v in tags.items() if k not in OWN}
        found.append(kept)
    return found


def test_jobs_are_those_of_the_basic_launcher_bit_for_bit(inside: Command, outputs: Path) -> None:
    words = ["-m", "seed=0,1", "batch=10,1300", "rule=plain,adam", "epochs=2", OFF]
    assert inside(*words, "launcher=basic").returncode == 0
    basic = outputs.with_name("basic")
    shutil.move(sweep_of(outputs), basic)
    shutil.rmtree(outputs)
    ran = inside(*words, "launcher.workers=2")
    assert ran.returncode == 0, ran.stderr
    assert "8 of 8 jobs done; best: job " in ran.stderr
    writers = set()
    for number in range(8):
        ours, theirs = sweep_of(outputs) / str(number), basic / str(number)
        assert figures(ours) == figures(theirs)
        assert sorted(p.name for p in ours.iterdir()) == sorted(p.name for p in theirs.iterdir())
        with np.load(ours / "model.npz") as one, np.load(theirs / "model.npz") as other:
            for name in one.files:
                np.testing.assert_array_equal(one[name], other[name])
        writers.add(jobs.ends(ours)[0]["tags"]["gdexp.pid"])
    assert len(writers) == 2
    assert str(os.getpid()) not in writers


def pids(outputs: Path) -> dict[int, int]:
    """Give the process that writes each journal, by job."""
    found = {}
    for folder in outputs.glob("sweeps/*/*/[0-9]*"):
        begun, _ = jobs.ends(folder)
        if begun:
            found[int(folder.name)] = int(begun["tags"]["gdexp.pid"])
    return found


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def running(outputs: Path) -> Iterator[Started]:
    """Start a sweep that would take hours, without tracking, and wait for its first two jobs."""
    process = start(outputs, *LONG, OFF)
    until(lambda: len(pids(outputs)) == 2)
    yield process
    process.kill()
    process.communicate()


def test_a_worker_that_is_killed_costs_its_own_job_only(running: Started, outputs: Path) -> None:
    first = pids(outputs)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: 2 in pids(outputs))  # a new worker has the job that was left
    assert not gone(first[1])
    assert pids(outputs)[2] not in first.values()
    lost, going, _ = jobs.states(sweep_of(outputs))
    assert (lost.status, lost.outcome, going.status) == ("KILLED", "killed", "RUNNING")
    told = "its worker ended without a word (SIGKILL): it was killed, by somebody or for want"
    assert lost.reason.startswith(told)
    running.send_signal(signal.SIGTERM)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 143
    assert f"job 0 (seed=0): {told}" in stderr
    assert "job 0 (seed=0): killed: its worker ended" in stdout


@pytest.mark.parametrize(
    ("number", "status", "why"),
    [
        (signal.SIGINT, 130, "interrupted (Ctrl-C)"),
        (signal.SIGTERM, 143, "terminated (SIGTERM)"),
    ],
)
def test_an_orderly_end_is_one_of_all_workers(
    number: signal.Signals,
    status: int,
    why: str,
    running: Started,
    outputs: Path,
) -> None:
    workers = pids(outputs).values()
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == status
    assert "Traceback" not in stderr
    assert "0 of 3 jobs finished, 2 killed, 1 not begun" in stdout
    assert all(map(gone, workers))
    states = jobs.states(sweep_of(outputs))
    assert [(job.status, job.reason) for job in states[:2]] == [("KILLED", why)] * 2
    *_, end = Reader(sweep_of(outputs)).new()
    assert (end["status"], end["tags"]["gdexp.reason"]) == ("KILLED", why)


def test_a_command_that_is_killed_leaves_no_worker_and_no_run_open(outputs: Path) -> None:
    process = start(outputs, *LONG)
    until(lambda: len([*outputs.glob("sweeps/*/*/[0-9]*/mlflow.json")]) == 2)
    assert statuses(outputs) == {"sweep": "RUNNING", "train0": "RUNNING", "train1": "RUNNING"}
    workers = pids(outputs).values()
    process.kill()
    process.communicate()
    until(lambda: all(map(gone, workers)), 10)
    killed = {"sweep": "KILLED", "train0": "KILLED", "train1": "KILLED"}
    until(lambda: statuses(outputs) == killed)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["launcher.workers=0"], "launcher.workers must be a whole number >= 1. Got 0."),
        (["launcher.workers=two"], "launcher.workers must be a whole number >= 1. Got 'two'."),
        (["launcher.workers=true"], "launcher.workers must be a whole number >= 1. Got True."),
        (["launcher.workers=9999"], "launcher.workers must be at most 1024. Got 9999."),
        (["launcher.worker=2"], "launcher.worker: no such setting. Did you mean launcher.workers?"),
        (["launcher=basic", "launcher.workers=2"], "launcher=basic has no such setting."),
        (["launcher=nowhere"], "launcher must be one of basic, "),
        (["launcher=ray"], "launcher=ray: is not installed. Write pip install hydra-ray-launcher"),
    ],
)
def test_launchers_that_cannot_be_are_one_line(
    words: list[str], told: str, inside: Command, outputs: Path
) -> None:
    ran = inside("-m", "seed=0,1", OFF, *words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr.splitlines()[-1]
    assert not [*outputs.rglob("*")]


@pytest.mark.parametrize("word", ["launcher=local", "launcher.workers=2"])
def test_a_launcher_is_of_sweeps(word: str, inside: Command) -> None:
    ran = inside(word)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"{word}: is of sweeps. Write python -m gdexp -m {word}\n"


def test_a_sweeper_that_plans_nothing_has_its_jobs_one_after_another(
    inside: Command, outputs: Path
) -> None:
    ran = inside("-m", "hydra/sweeper=basic", "seed=0,1", "epochs=1", OFF)
    assert ran.returncode == 0, ran.stderr
    assert "2 of 2 jobs finished" in ran.stdout


@pytest.mark.parametrize("line", re.findall(r"```sh\n(.*)\n```", DOC))
def test_the_commands_of_the_docs_run(line: str, inside: Command) -> None:
    ran = inside(*shlex.split(line)[3:], OFF)
    assert ran.returncode == 0, ran.stderr


def test_there_are_as_many_workers_as_cores() -> None:
    assert Settings().count == cores() == len(os.sched_getaffinity(0))
    assert Settings(3).count == 3


def test_a_journal_is_gone_on_with_after_its_last_whole_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("start", n=1)
    journal.close()
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"kind":"epoch","half')
    again = Journal.reopened(tmp_path)
    again.write("end", n=2)
    again.close()
    assert [record["kind"] for record in Reader(tmp_path).new()] == ["start", "end"]


def ended(number: int, status: str, accuracy: float, folder: Path) -> JobState:
    end = {"metrics": {"best/val_accuracy": accuracy}} if status == "FINISHED" else {"tags": {}}
    return JobState(number, folder, {"seed": str(number)}, status=status, end=end)


def test_the_view_counts_jobs_and_names_the_best(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with SweepView(5) as view:
        for number in range(4):
            view.begun(JobState(number, tmp_path))
        view.ended(ended(0, "FINISHED", 0.5, tmp_path))
        view.ended(ended(1, "FINISHED", 0.75, tmp_path))
        view.ended(ended(2, "FAILED", 0, tmp_path))
        view.refresh()  # too soon for another line
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("3 of 5 jobs done, 1 going, 1 failed, 1 left, about ")
    assert line.endswith("; best: job 1 (seed=1), validation accuracy 75.00%")


def test_the_view_fits_into_a_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("gdexp.terminal.live.OFTEN", 0.0)
    with SweepView(20) as view:
        for number in range(15):
            view.begun(JobState(number, tmp_path, {"architecture.hidden": "[30,30,30,30,30,30]"}))
        view.reached(3, 7, 30, 0.25)
        view.refresh()
    told = capsys.readouterr().err
    assert "epoch 7/30  cost 0.25" in told
    assert "and 3 more" in told


def test_lengths_of_time_are_short() -> None:
    assert [span(s) for s in (4.2, 185, 7800)] == ["4 s", "3:05 min", "2:10 h"]


def test_the_environment_of_a_job_is_that_of_its_sweep(inside: Command, outputs: Path) -> None:
    inside("-m", "seed=0,1", "epochs=1", OFF)
    folder = sweep_of(outputs)
    told = [json.loads((each / "environment.json").read_text()) for each in (folder, folder / "1")]
    assert told[0]["git"] == told[1]["git"]
