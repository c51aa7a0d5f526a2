"""What is read from the database is what MLflow's client answers."""

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas
import pytest
from mlflow.entities import ViewType

from gdexp.stored import Reader, StoredRun, epochs, sql
from gdexp.stored.client import ClientReader
from tests.stores import ALL, SWEEPS, opened, uri_of

pytestmark = pytest.mark.filterwarnings("ignore")  # mlflow's own


@pytest.fixture(scope="module")
def client(store: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri=uri_of(store))


def as_told(client: mlflow.MlflowClient, run: StoredRun) -> StoredRun:
    """Give a run as MLflow's client tells of it."""
    found = client.get_run(run.id)
    experiment = client.get_experiment(found.info.experiment_id)
    return StoredRun(
        id=found.info.run_id,
        experiment=experiment.name,
        name=found.info.run_name,
        status=found.info.status,
        start=found.info.start_time,
        end=found.info.end_time,
        artifacts=found.info.artifact_uri,
        params=found.data.params,
        tags=found.data.tags,
        metrics=found.data.metrics,
    )


@pytest.fixture(scope="module")
def runs(reader: Reader) -> list[StoredRun]:
    """All that the store has, the sweeps' own runs among them."""
    return list(reader.runs())


def test_every_run_is_as_the_client_tells_it(
    runs: list[StoredRun], client: mlflow.MlflowClient
) -> None:
    ids = [run.info.run_id for run in client.search_runs(["1"], order_by=["start_time DESC"])]
    assert [run.id for run in runs] == ids
    assert len(runs) == ALL + SWEEPS
    for run in runs:
        assert run == as_told(client, run)


def test_one_run_by_its_id(reader: Reader, runs: list[StoredRun]) -> None:
    assert reader.run(runs[3].id) == runs[3]
    assert reader.run("0" * 32) is None


def test_every_point_is_as_the_client_tells_it(
    reader: Reader, runs: list[StoredRun], client: mlflow.MlflowClient
) -> None:
    chosen = [run.id for run in runs[:4]]
    found = reader.histories(chosen)
    assert set(found["run"]) == set(chosen)
    for (run, metric), points in found.groupby(["run", "metric"]):
        told = sorted(
            (p.step, p.timestamp, p.value) for p in client.get_metric_history(run, metric)
        )
        read = points[["step", "time", "value"]].itertuples(index=False, name=None)
        assert list(read) == told
    told_of = {(run, name) for run in chosen for name in client.get_run(run).data.metrics}
    assert set(found.groupby(["run", "metric"]).groups) == told_of


def test_both_ways_in_give_the_same(store: Path, reader: Reader, runs: list[StoredRun]) -> None:
    through = ClientReader(uri_of(store))
    assert set(through.experiments()) == set(reader.experiments())
    assert list(through.runs()) == runs
    assert list(through.runs("gdexp")) == list(reader.runs("gdexp"))
    assert through.run(runs[0].id) == runs[0]
    assert through.run("0" * 32) is None
    ids, names = [run.id for run in runs[:3]], ["train/cost_mean", "progress/updates"]
    pandas.testing.assert_frame_equal(through.histories(ids, names), reader.histories(ids, names))


def test_pages_are_joined(
    store: Path, runs: list[StoredRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = opened(store).histories([run.id for run in runs], ["train/cost_mean"])
    for page in (1, 7, ALL - 1, ALL):
        monkeypatch.setattr(sql, "PAGE", page)
        assert list(opened(store).runs()) == runs
        in_pages = opened(store).histories([run.id for run in runs], ["train/cost_mean"])
        pandas.testing.assert_frame_equal(in_pages, whole)


def test_what_is_deleted_is_not_there(changed: Callable[..., Path], runs: list[StoredRun]) -> None:
    gone = f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{runs[0].id}'"
    reader = opened(changed(gone))
    assert list(reader.runs()) == runs[1:]
    assert reader.run(runs[0].id) is None


def test_a_deleted_experiment_is_not_there(
    changed: Callable[..., Path], runs: list[StoredRun]
) -> None:
    reader = opened(
        changed("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'gdexp'")
    )
    assert list(reader.runs()) == []
    assert "gdexp" not in reader.experiments()
    assert reader.run(runs[0].id) is None


def test_what_is_no_number_is_read_as_the_client_does(changed: Callable[..., Path]) -> None:
    folder = changed()
    client = mlflow.MlflowClient(tracking_uri=uri_of(folder))
    run = client.create_run("0", tags={"gdexp.kind": "train"}).info.run_id
    for step, value in enumerate([1.5, math.nan, math.inf, -math.inf]):
        client.log_metric(run, "train/cost_mean", value, step=step)
        client.log_metric(run, f"at/{step}", value)
    found = opened(folder).run(run)
    assert found is not None
    told = client.search_runs(["0"], run_view_type=ViewType.ALL)[0].data.metrics
    assert {name: repr(each) for name, each in found.metrics.items()} == {
        name: repr(each) for name, each in told.items()
    }
    points = opened(folder).histories([run], ["train/cost_mean"])["value"]
    history = client.get_metric_history(run, "train/cost_mean")
    assert [repr(each) for each in points] == [repr(float(each.value)) for each in history]


def test_a_point_that_came_twice_counts_once(
    changed: Callable[..., Path], reader: Reader, runs: list[StoredRun]
) -> None:
    folder = changed()
    with sqlite3.connect(folder / "mlflow.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(metrics)")]
        given = {"value": "value + 1", "timestamp": "timestamp + 1"}
        again = ", ".join(given.get(name, name) for name in columns)
        which = f"run_uuid = '{runs[0].id}' AND key = 'train/cost_mean' AND step = 1"
        database.execute(f"INSERT INTO metrics SELECT {again} FROM metrics WHERE {which}")
    database.close()
    once = epochs(reader, runs[:1], ["train/cost_mean"])
    twice = epochs(opened(folder), runs[:1], ["train/cost_mean"])
    once.loc[once["epoch"] == 1, "train/cost_mean"] += 1  # the later one is taken
    pandas.testing.assert_frame_equal(twice, once)
