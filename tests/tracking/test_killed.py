"""However a run ends, the store is told; training never depends on it."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gdexp.errors import Terminated
from gdexp.keeper import Keeper
from gdexp.tracking.journal import Reader
from tests import nursery
from tests.conftest import Command
from tests.nursery import FIRST, Started
from tests.servers import until

LONG = ["optimizer=sgd", "batch=10", "epochs=1000000"]


def start(outputs: Path, *words: str) -> Started:
    """Start a command, and go on."""
    return nursery.start(words, Path.cwd(), {**os.environ, "GDEXP_OUTPUTS": str(outputs)})


def start_anew(outputs: Path, *words: str) -> "subprocess.Popen[str]":
    """Start an interpreter with a command; its Ctrl-C is not ignored, whoever started the tests."""
    return subprocess.Popen(
        [sys.executable, "-m", "gdexp", *words],
        env={**os.environ, "GDEXP_OUTPUTS": str(outputs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def status(outputs: Path) -> list[tuple[str, str | None]]:
    with sqlite3.connect(outputs / "mlflow.db") as store, suppress(sqlite3.OperationalError):
        return store.execute(
            "SELECT runs.status, tags.value FROM runs LEFT JOIN tags"
            " ON tags.run_uuid = runs.run_uuid AND tags.key = 'gdexp.outcome'"
        ).fetchall()
    return []  # the store is still being made


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        (signal.SIGINT, 130, "interrupted (Ctrl-C)"),
        (signal.SIGTERM, 143, "terminated (SIGTERM)"),
        (signal.SIGHUP, 129, "terminated (SIGHUP)"),
    ],
)
def test_an_orderly_end_is_recorded(
    number: signal.Signals, code: int, reason: str, outputs: Path
) -> None:
    process = start(outputs, *LONG)
    until(lambda: [*outputs.glob("runs/*/*/mlflow.json")])
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert "tracked  as run" in stdout or "the feeder goes on by itself" in stderr
    assert re.search(r"stopped after epoch \d+ of 1000000", stderr)
    (folder,) = (path.parent for path in outputs.glob("runs/*/*/journal.jsonl"))
    assert stderr.splitlines()[-1].endswith(f"-m gdexp resume {folder}")
    until(lambda: status(outputs) == [("KILLED", "killed")])
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    *_, last = Reader(journal.parent).new()
    assert (last["kind"], last["status"]) == ("end", "KILLED")
    assert last["tags"]["gdexp.reason"] == reason


def test_an_end_before_mlflow_is_even_loaded_is_recorded(outputs: Path) -> None:
    process = start(outputs, *LONG)
    until(
        lambda: [j for j in outputs.glob("runs/*/*/journal.jsonl") if '"epoch":' in j.read_text()]
    )
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    until(lambda: status(outputs) == [("KILLED", "killed")])


def test_a_signal_while_a_record_begins_is_recorded(
    inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes where the journal has its start, and nothing yet that would write an end."""

    def make(*words: Any) -> Keeper:
        signal.raise_signal(signal.SIGTERM)
        return Keeper(*words)

    monkeypatch.setattr("gdexp.training.Keeper", make)
    with pytest.raises(Terminated):
        inside("epochs=1", "tracking=off")
    (journal,) = outputs.glob("runs/*/*")
    (end,) = [each for each in Reader(journal).new() if each["kind"] == "end"]
    assert end["status"] == "KILLED"


def test_a_process_that_is_killed_leaves_no_run_behind_as_running(outputs: Path) -> None:
    process = start(outputs, *LONG)
    until(lambda: [*outputs.glob("runs/*/*/mlflow.json")])
    assert status(outputs) == [("RUNNING", None)]
    process.kill()
    process.communicate(timeout=60)
    until(lambda: status(outputs) == [("KILLED", "killed")])


def test_a_run_that_was_killed_is_the_same_run_when_it_goes_on(
    outputs: Path, gdexp: Command
) -> None:
    words = [
        "optimizer=sgd",
        "batch=100",
        "epochs=400",
        "engine=reference",
        "checkpoint.seconds=1",
    ]
    process = start(outputs, *words)
    until(
        lambda: [j for j in outputs.glob("runs/*/*/journal.jsonl") if '"epoch":9,' in j.read_text()]
    )
    process.kill()
    process.communicate(timeout=60)
    (folder,) = (path.parent for path in outputs.glob("runs/*/*/journal.jsonl"))
    ran = gdexp("resume", str(folder))  # while the feeder of its first part may be at it
    assert ran.returncode == 0, ran.stderr
    assert status(outputs) == [("FINISHED", "ok")]
    records = [*Reader(folder).new()]
    assert [r["epoch"] for r in records if r["kind"] == "epoch"] == [*range(401)]
    with sqlite3.connect(outputs / "mlflow.db") as store:
        query = "SELECT step, value FROM metrics WHERE key = 'val/accuracy' ORDER BY step"
        points = store.execute(query).fetchall()
    values = {r["epoch"]: r["metrics"]["val/accuracy"] for r in records if r["kind"] == "epoch"}
    assert points == [(step, values[step]) for step in range(0, 401, 2)]


@pytest.mark.parametrize("seconds", [0.03, 0.08, 0.12, 0.16, 0.2])
def test_an_end_at_the_very_start_is_orderly_too(seconds: float, outputs: Path) -> None:
    process = start_anew(outputs, *LONG, "tracking=off")
    signal.sigtimedwait([], seconds)
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode in (143, -signal.SIGTERM)  # the latter: before Python had begun
    assert "Traceback" not in stderr


def test_a_feeder_that_is_killed_takes_nothing_with_it_and_the_next_closes_its_run(
    outputs: Path, gdexp: Command
) -> None:
    process = start(outputs, "optimizer=sgd", "batch=10", "epochs=900")
    until(lambda: [*outputs.glob("runs/*/*/mlflow.json")])
    os.kill(nursery.feeder_of(process.pid), signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "after 900 epochs" in stdout
    assert "not tracked yet: the feeder ended early" in stderr
    assert status(outputs) == [("RUNNING", None)]
    assert gdexp("epochs=9").returncode == 0
    assert sorted(status(outputs)) == [("FINISHED", "ok"), ("KILLED", "killed")]
    synced = gdexp(*stderr.splitlines()[-1].split(" -m gdexp ")[1].split())
    assert synced.returncode == 0, synced.stderr
    assert synced.stdout.startswith("tracked  1 run brought up to date: ")
    assert sorted(status(outputs)) == [("FINISHED", "ok")] * 2


def test_a_store_that_is_locked_for_a_while_loses_nothing(outputs: Path) -> None:
    process = start(outputs, *LONG)
    until(lambda: [*outputs.glob("runs/*/*/mlflow.json")])
    with sqlite3.connect(outputs / "mlflow.db", isolation_level=None) as store:
        store.execute("BEGIN EXCLUSIVE")
        enough = written(outputs) + 100
        until(lambda: written(outputs) > enough)
        process.send_signal(signal.SIGSTOP)  # it has told enough
        signal.sigtimedwait([], 25)  # longer than MLflow waits for a lock
        store.execute("ROLLBACK")
    process.send_signal(signal.SIGCONT)
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert "not tracked" not in stderr
    until(lambda: status(outputs) == [("KILLED", "killed")])
    with sqlite3.connect(outputs / "mlflow.db") as store:
        query = "SELECT step, COUNT(*) FROM metrics WHERE key = 'val/accuracy' GROUP BY step"
        counts = dict(store.execute(query))
    assert set(counts.values()) == {1}


def written(outputs: Path) -> int:
    """Count what the journal of a run has."""
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    return journal.read_bytes().count(b"\n")


def test_artifacts_that_cannot_be_written_leave_no_run_open(outputs: Path, gdexp: Command) -> None:
    outputs.mkdir()
    (outputs / "artifacts").write_text("a file in the way")
    ran = gdexp("epochs=9")
    assert ran.returncode == 0
    assert "not tracked yet: " in ran.stderr
    assert status(outputs) == [("FINISHED", "ok")]
    with sqlite3.connect(outputs / "mlflow.db") as store:
        (points,) = store.execute(
            "SELECT COUNT(*) FROM metrics WHERE key='val/accuracy'"
        ).fetchone()
    assert points == 10


def test_an_error_inside_a_run_is_its_recorded_reason(outputs: Path, gdexp: Command) -> None:
    ran = gdexp(
        "engine=reference",
        **{FIRST: "from gdexp import problems; problems.Network.gradient = lambda *a: 1 / 0"},
    )
    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stderr  # a bug of ours, so its traceback
    assert status(outputs) == [("FAILED", "failed")]
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    *_, last = Reader(journal.parent).new()
    assert last["tags"]["gdexp.reason"] == "ZeroDivisionError: division by zero"


def test_a_curve_in_the_store_has_a_bounded_number_of_points(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("optimizer=gd", "epochs=701")
    assert ran.returncode == 0, ran.stderr
    with sqlite3.connect(outputs / "mlflow.db") as store:
        query = "SELECT step FROM metrics WHERE key = 'val/accuracy' ORDER BY step"
        steps = [step for (step,) in store.execute(query)]
    assert steps == [*range(0, 701, 3), 701]
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    epochs = [record["epoch"] for record in Reader(journal.parent).new() if "epoch" in record]
    assert epochs == [*range(702)]
