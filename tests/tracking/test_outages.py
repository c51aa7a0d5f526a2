"""A store that fails in every way takes nothing with it, and has all in the end, once.

GDEXP_OUTAGES says how many runs go through a proxy that fails, and how many jobs a sweep has whose
server is killed.
"""

import json
import math
import os
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdexp import compose
from gdexp.tracking import Feeder, Tracking
from gdexp.tracking.journal import Reader
from gdexp.tracking.tracked import tracked
from gdexp.training import train
from tests.conftest import Command, command
from tests.faults import FAULTS, proxy
from tests.servers import Server, server, until
from tests.tracking.test_killed import start

COUNT = int(os.environ.get("GDEXP_OUTAGES", "6"))
BY_UPDATE = {
    "by_update/train_cost": "train/cost_mean",
    "by_update/train_accuracy": "train/accuracy",
    "by_update/val_cost": "val/cost_mean",
    "by_update/val_accuracy": "val/accuracy",
}
Points = Counter[tuple[str, int, float]]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("server")) as found:
        yield found


def journals(outputs: Path) -> list[Path]:
    return sorted(path.parent for path in outputs.glob("*/*/**/journal.jsonl"))


def expected(folder: Path) -> Points:
    """Give the points of a run of few epochs, as its journal has them: each once."""
    points: Points = Counter()
    for record in Reader(folder).new():
        metrics = record.get("metrics", {})
        if record["kind"] == "epoch":
            points.update((name, record["epoch"], float(v)) for name, v in metrics.items())
        if record["kind"] == "epoch" and record["epoch"] > 0:
            updates = metrics["progress/updates"]
            points.update((name, updates, float(metrics[of])) for name, of in BY_UPDATE.items())
        if record["kind"] == "end":
            points.update((name, 0, float(value)) for name, value in metrics.items())
    return Counter({each: n for each, n in points.items() if math.isfinite(each[2])})


def stored(mlflow: Server, experiment: str) -> dict[str, list[tuple[str, str, Points]]]:
    """Give id, status and points of the runs of an experiment, by their journals."""
    where = f"experiments WHERE name = '{experiment}'"
    runs = "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active' AND experiment_id IN"
    mine = f"run_uuid IN ({runs} (SELECT experiment_id FROM {where}))"
    points: dict[str, Points] = {}
    for run, name, step, value in mlflow.rows(
        f"SELECT run_uuid, key, step, value FROM metrics WHERE {mine}"
    ):
        points.setdefault(run, Counter())[name, step, value] += 1
    statuses = dict(mlflow.rows(f"SELECT run_uuid, status FROM runs WHERE {mine}"))
    found: dict[str, list[tuple[str, str, Points]]] = {}
    for run, journal in mlflow.rows(
        f"SELECT run_uuid, value FROM tags WHERE key = 'gdexp.journal' AND {mine}"
    ):
        found.setdefault(journal, []).append((run, statuses.pop(run), points.get(run, Counter())))
    assert not statuses, "runs without a journal"
    return found


def assert_all_once(mlflow: Server, experiment: str, folders: list[Path]) -> None:
    """Hold a store against journals: each run once, and each point of them once."""
    found = stored(mlflow, experiment)
    for folder in folders:
        first, *_ = records = [*Reader(folder).new()]
        ((run, status, points),) = found.pop(first["tags"]["gdexp.journal"])
        assert status == records[-1]["status"], folder
        assert run == tracked(folder).run_id  # type: ignore[union-attr]
        if first["tags"]["gdexp.kind"] == "train":
            assert points == expected(folder), folder
        else:
            assert set(points.values()) == {1}
    assert not found


def prepared(outputs: Path, count: int, url: str, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Train, with nobody who brings the journals anywhere; give the folders."""
    monkeypatch.setenv("GDEXP_OUTPUTS", str(outputs))
    words = [f"tracking.uri={url}", "tracking.experiment=faults", "batch=100", "epochs=3"]
    for seed in range(count):
        request = compose.composed([*words, f"seed={seed}"])
        request.output.mkdir(parents=True)
        train(request, lambda record: lambda epoch: None)
    return journals(outputs)


def test_runs_through_a_proxy_that_fails(
    mlflow: Server, outputs: Path, inside: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with proxy(mlflow.url, share=0.1, seed=0) as faulty:
        folders = prepared(outputs, COUNT, faulty.url, monkeypatch)
        assert len(folders) == COUNT
        feeder = Feeder(Tracking(faulty.url, "faults"), outputs)
        for folder in folders:
            feeder.feed(folder)
        until(lambda: sum(fed.done for fed in feeder.runs.values()) >= COUNT // 2, 10 * COUNT + 60)
        feeder.stop()  # by SIGKILL, in the middle of something
        synced = inside("sync")
        assert synced.returncode == 0, synced.stdout + synced.stderr
        print(faulty.count)
        faulty.share = 0.0
        if any(tracked(each).complete is None for each in folders):  # type: ignore[union-attr]
            assert inside("sync").returncode == 0  # an answer was lost, so it is looked at again
    assert_all_once(mlflow, "faults", folders)
    assert len(faulty.count) > len(FAULTS) // 2
    assert "had all already" in inside("sync").stdout


def test_a_server_that_is_killed_in_the_middle_of_a_sweep_and_started_again(
    mlflow: Server, outputs: Path, tmp_path: Path
) -> None:
    common = ["optimizer=sgd", "engine=reference", f"tracking.uri={mlflow.url}"]
    seeds = ",".join(map(str, range(max(COUNT - 2, 3))))
    words = ["-m", f"seed={seeds}", "epochs=15", "tracking.patience=100", "launcher.workers=1"]
    sweep = start(outputs, *words, *common)
    until(lambda: [*outputs.glob("sweeps/*/*/0/mlflow.json")])
    alone = start(tmp_path / "alone", *common, "epochs=15", "tracking.patience=2")
    mlflow.kill()
    stdout, stderr = alone.communicate(timeout=100)
    assert alone.returncode == 0, stderr  # it is finished
    assert "after 15 epochs" in stdout
    assert "the journals are complete" in stderr
    mlflow.start()
    _, told = sweep.communicate(timeout=200)
    assert sweep.returncode == 0, told
    assert "not tracked" not in told
    assert_all_once(mlflow, "gdexp", journals(outputs))
    (folder,) = journals(tmp_path / "alone")
    ran = command(
        *stderr.splitlines()[-1].split(" -m gdexp ")[1].split(), outputs=outputs, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("tracked  1 run brought up to date: ")
    assert_all_once(mlflow, "gdexp", [*journals(outputs), folder])


def test_a_server_holds_the_run_its_files_and_its_model(
    mlflow: Server, gdexp: Command, outputs: Path
) -> None:
    secret = secrets.token_hex(8)  # not in the code, which a run of a dirty checkout holds
    uri = mlflow.url.replace("//", f"//me:{secret}@")
    ran = gdexp("epochs=3", MLFLOW_TRACKING_URI=uri, MLFLOW_EXPERIMENT_NAME="files")
    assert ran.returncode == 0, ran.stderr
    (folder,) = journals(outputs)
    ids = json.loads((folder / "mlflow.json").read_text())
    shown = mlflow.url.replace("//", "//me:***@")
    assert f"tracked  as run {ids['run_id']} in {shown}" in ran.stdout
    assert secret not in ran.stdout + ran.stderr
    for file in outputs.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    listed = f"{mlflow.url}/api/2.0/mlflow/artifacts/list?run_id={ids['run_id']}"
    with urllib.request.urlopen(listed) as answer:
        paths = {file["path"] for file in json.load(answer)["files"]}
    assert {"model", "config", "journal.jsonl", "history.csv"} <= paths
    assert not (outputs / "mlflow.db").exists()
