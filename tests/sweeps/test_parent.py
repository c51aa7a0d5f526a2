"""The run of the sweep in MLflow: right at every moment, however the sweep ends."""

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.servers import until
from tests.tracking.test_killed import start

LONG = ["-m", "seed=0,1", "epochs=1000000", "engine=reference", "launcher.workers=1"]


def rows(outputs: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(outputs / "mlflow.db") as store:
        return store.execute(query).fetchall()


def statuses(outputs: Path) -> dict[str, str]:
    """Give the status of each run, by its kind and job."""
    found = rows(
        outputs,
        "SELECT k.value || coalesce(j.value, ''), r.status FROM runs r"
        " JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'gdexp.kind'"
        " LEFT JOIN tags j ON j.run_uuid = r.run_uuid AND j.key = 'gdexp.job'",
    )
    return dict(found)


def tags(outputs: Path) -> dict[str, str]:
    """Give the tags of the sweep's run."""
    found = rows(
        outputs,
        "SELECT key, value FROM tags WHERE run_uuid IN"
        " (SELECT run_uuid FROM tags WHERE key = 'gdexp.kind' AND value = 'sweep')",
    )
    return dict(found)


def parents(outputs: Path) -> set[tuple[Any, ...]]:
    return {*rows(outputs, "SELECT value FROM tags WHERE key = 'mlflow.parentRunId'")}


def test_a_sweep_with_a_failing_job(gdexp: Command, outputs: Path) -> None:
    words = ["diagnostics=[gradcheck]", "diagnostics.gradcheck.threshold=1e-30,1", "epochs=1"]
    ran = gdexp("-m", *words)
    assert ran.returncode == 1
    assert statuses(outputs) == {"sweep": "FAILED", "train0": "FAILED", "train1": "FINISHED"}
    found = tags(outputs)
    assert found["gdexp.jobs"] == "1 of 2 jobs finished, 1 failed"
    assert found["gdexp.best_job"] == "1"
    first, _, command = found["mlflow.note.content"].partition("\n\n")
    assert first.startswith("1 of 2 jobs finished, 1 failed; best: job 1 (diagnostics.gradcheck")
    assert command.strip().startswith("python -m gdexp -m 'diagnostics=[gradcheck]'")
    (sweep,) = rows(outputs, "SELECT run_uuid FROM tags WHERE value = 'sweep'")
    assert parents(outputs) == {sweep}
    assert [*outputs.glob(f"artifacts/*/{sweep[0]}/artifacts/jobs.json")]
    counted = rows(
        outputs,
        "SELECT key, value FROM metrics WHERE key IN ('jobs/total', 'jobs/failed') ORDER BY key",
    )
    assert counted == [("jobs/failed", 1), ("jobs/total", 2)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_is_ended(number: signal.Signals, outputs: Path) -> None:
    process = start(outputs, *LONG)
    until(lambda: [*outputs.glob("sweeps/*/*/0/mlflow.json")])
    until(lambda: tags(outputs).get("gdexp.jobs") == "0 of 2 jobs finished, 1 running, 1 not begun")
    assert statuses(outputs) == {"sweep": "RUNNING", "train0": "RUNNING"}
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (143 if number == signal.SIGTERM else -number)
    assert "Traceback" not in stderr
    until(lambda: statuses(outputs) == {"sweep": "KILLED", "train0": "KILLED"})
    found = tags(outputs)
    assert found["gdexp.outcome"] == "killed"
    assert found["gdexp.jobs"] == "0 of 2 jobs finished, 1 killed, 1 not begun"
    assert [*outputs.glob("artifacts/*/*/artifacts/jobs.csv")]
