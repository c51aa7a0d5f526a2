"""A sweep that was interrupted goes on as if it had not been: each job once, bit for bit."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gdexp import experiment, training
from gdexp.errors import GdexpError
from gdexp.sweeps import claims, resuming
from gdexp.tracking import Reader, jobs
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, seal, unseal
from tests.conftest import Command, command
from tests.kills import told
from tests.sweeps.test_parent import rows, tags
from tests.sweeps.test_sweeps import CHECKED, FAILS, OFF, sweep_of
from tests.tracking.test_killed import feeder_of, start, until

KILLS = int(os.environ.get("GDEXP_SWEEP_KILLS", "3"))
SEED = int(os.environ.get("GDEXP_SWEEP_SEED", "6"))
JOBS = 6
SLOW = ["-m", f"seed=range({JOBS})", "optimizer=online", "eta=0.3", "epochs=3"]
OFTEN = ["engine=reference", "checkpoint.seconds=0", "launcher.workers=2"]
Alone = list[dict[str, Any]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """What each job of a sweep tells that nobody disturbs."""
    folder = tmp_path_factory.mktemp("alone")
    ran = command(*SLOW, *OFTEN, OFF, outputs=folder, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return [told(sweep_of(folder) / f"{number}") for number in range(JOBS)]


def written(outputs: Path) -> int:
    """Count what the journals of all jobs have."""
    return sum(path.read_bytes().count(b"\n") for path in outputs.glob(f"sweeps/*/*/*/{NAME}"))


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def strike(process: "subprocess.Popen[str]", whom: str) -> bool:
    """Kill a command, one of its workers, or all of it; False where that was gone already."""
    feeder = None
    with suppress(AssertionError, OSError):
        feeder = feeder_of(process.pid)
    workers = [pid for pid in children(process.pid) if pid != feeder]
    victims = {
        "parent": [process.pid],
        "worker": workers[:1],
        "all": [process.pid, *([feeder] if feeder else [])],
    }[whom]
    gone = process.poll() is not None
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(victims) and not gone


def disturbed(outputs: Path, whoms: Iterator[str], kills: int, rng: random.Random) -> int:
    """Carry a sweep out with so many kills at most, each resumed; give how many there were."""
    before, count = {*outputs.glob("sweeps/*/*")}, 0
    while True:
        folder = next(iter({*outputs.glob("sweeps/*/*/plan.jsonl.gz")} - known(before)), None)
        process = start(outputs, *again(folder and folder.parent, rng))
        if count < kills:
            moment(process, outputs, rng)
            count += strike(process, next(whoms))
        _, stderr = process.communicate(timeout=120)
        assert "Traceback" not in stderr, stderr
        if process.returncode == 0:
            return count
        assert process.returncode in (1, -signal.SIGKILL), stderr


def known(folders: set[Path]) -> set[Path]:
    return {folder / "plan.jsonl.gz" for folder in folders}


def again(folder: Path | None, rng: random.Random) -> list[str]:
    """Give the command that begins a sweep, or one of those that go on with it."""
    if folder is None:
        return [*SLOW, *OFTEN]
    return rng.choice([[*SLOW, *OFTEN, "sweep.resume=true"], ["resume", str(folder)]])


def moment(process: "subprocess.Popen[str]", outputs: Path, rng: random.Random) -> None:
    """Wait for a random moment: some time after the start, or some records later."""
    if rng.random() < 0.3:
        signal.sigtimedwait([], rng.uniform(0, 6))
        return
    enough = written(outputs) + rng.randint(1, 12)
    until(lambda: process.poll() is not None or written(outputs) >= enough)
    signal.sigtimedwait([], rng.uniform(0, 0.05))


def test_no_kill_loses_doubles_or_changes_a_job(outputs: Path, alone: Alone) -> None:
    rng, count, sweeps = random.Random(SEED), 0, 0
    whoms = iter(lambda: rng.choice(["parent", "worker", "all"]), "")
    while count < KILLS:
        count += disturbed(outputs, whoms, KILLS - count, rng)
        sweeps += 1
    found = [*outputs.glob(f"sweeps/*/*/{NAME}")]
    assert len(found) == sweeps
    for file in found:
        check(outputs, file.parent, alone)


def check(outputs: Path, folder: Path, alone: Alone) -> None:
    """Hold a sweep against one that nobody disturbed, in its folder and in MLflow."""
    assert [told(folder / f"{number}") for number in range(JOBS)] == alone
    sweep = "_".join(folder.parts[-2:])
    mine = f"SELECT run_uuid FROM tags WHERE key = 'gdexp.sweep_id' AND value = '{sweep}'"
    (parent,) = rows(
        outputs,
        f"SELECT run_uuid, status, name FROM runs WHERE run_uuid IN ({mine}) AND run_uuid IN"
        " (SELECT run_uuid FROM tags WHERE key = 'gdexp.kind' AND value = 'sweep')",
    )
    assert parent[1:] == ("FINISHED", f"sweep of seed ({JOBS} jobs)")
    runs = rows(
        outputs,
        "SELECT r.run_uuid, r.status, r.lifecycle_stage, j.value, p.value FROM runs r"
        " JOIN tags j ON j.run_uuid = r.run_uuid AND j.key = 'gdexp.job'"
        " JOIN tags p ON p.run_uuid = r.run_uuid AND p.key = 'mlflow.parentRunId'"
        f" WHERE r.run_uuid IN ({mine})",
    )
    told_of = sorted((int(job), *state, of) for _, *state, job, of in runs)
    assert told_of == [(job, "FINISHED", "active", parent[0]) for job in range(JOBS)]
    points = f"SELECT run_uuid, key, step FROM metrics WHERE run_uuid IN ({mine})"
    counts = Counter(point for point in rows(outputs, points) if point[0] != parent[0])
    assert set(counts.values()) == {1}
    for run_id, *_, job, _ in runs:
        check_points(outputs, run_id, folder / job)
    figures = rows(outputs, f"SELECT key, value FROM latest_metrics WHERE run_uuid = '{parent[0]}'")
    expected = {"jobs/total": JOBS, "jobs/finished": JOBS, "jobs/killed": 0, "jobs/not_begun": 0}
    assert expected.items() <= dict(figures).items()
    (table,) = outputs.glob(f"artifacts/*/{parent[0]}/artifacts/jobs.json")
    assert [row[3] for row in json.loads(table.read_text())["data"]] == ["ok"] * JOBS


def check_points(outputs: Path, run_id: str, folder: Path) -> None:
    query = f"SELECT step, key, value FROM metrics WHERE run_uuid = '{run_id}' AND key LIKE 'val/%'"
    points = {(step, key): value for step, key, value in rows(outputs, query)}
    assert points == {
        (record["epoch"], key): value
        for record in Reader(folder).new()
        if record["kind"] == "epoch"
        for key, value in record["metrics"].items()
        if key.startswith("val/")
    }
