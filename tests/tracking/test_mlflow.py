"""A run in MLflow, as its client sees it: made by the command, read by a fresh process."""

import csv
import json
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from threadpoolctl import threadpool_limits

from gdexp.data import Digits
from gdexp.problems import Architecture, Network, Quadratic
from gdexp.tracking.journal import Reader
from gdexp.views import MARK, missing
from tests.conftest import Command, command
from tests.nursery import MAKE

pytestmark = pytest.mark.filterwarnings("ignore")  # mlflow's own

WORDS = ["optimizer=sgd", "batch=20", "epochs=4", "eta=2.5", "seed=3"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracked") / "outputs"


@pytest.fixture(scope="module")
def printed(outputs: Path) -> str:
    """What the command said."""
    ran = command(*WORDS, outputs=outputs, cwd=outputs.parent)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def client(outputs: Path, printed: str) -> Any:
    import mlflow

    uri = f"sqlite:///{outputs}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def run(client: Any) -> Any:
    experiment = client.get_experiment_by_name("gdexp")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


@pytest.fixture(scope="module")
def folder(outputs: Path) -> Path:
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    return journal.parent


def read(client: Any, run: Any, path: str, to: Path) -> str:
    return Path(client.download_artifacts(run.info.run_id, path, str(to))).read_text()


def test_the_summary_says_where_the_run_is(printed: str, run: Any, folder: Path) -> None:
    assert run.info.run_id in printed
    assert str(folder) in printed
    assert re.search(r"curves   .*python3? -m gdexp ui", printed)
    assert "64-30-10 on digits, quadratic cost, sgd m=20, eta=2.5 (mean), seed=3" in printed


def test_status_name_and_tags(run: Any) -> None:
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "sgd m=20 eta=2.5 s=3"
    tags = run.data.tags
    assert tags["gdexp.kind"] == "train"
    assert tags["gdexp.outcome"] == "ok"
    assert tags["gdexp.variant"] == "sgd m=20"
    assert tags["gdexp.group"] == "sgd m=20 eta=2.5 epochs=4"
    assert tags["gdexp.overrides"] == " ".join(WORDS)
    assert tags["mlflow.runColor"].startswith("#")
    assert len(tags["gdexp.config_hash"]) == len(tags["gdexp.group_key"]) == 16
    result, _, said = tags["mlflow.note.content"].partition("\n")
    assert result.startswith("test accuracy ")
    taken = "engine=reference engine.precision=float32 engine.threads=1"
    assert said.strip() == f"python -m gdexp {' '.join(WORDS)} {taken}"


def test_parameters_are_the_composed_config_and_what_follows_from_it(run: Any) -> None:
    params = run.data.params
    expected = {
        "optimizer": "sgd",
        "batch": "20",
        "eta": "2.5",
        "epochs": "4",
        "seed": "3",
        "data": "digits",
        "architecture": "hidden_30",
        "architecture.hidden": "[30]",
        "architecture.sizes": "64-30-10",
        "architecture.initialization": "normal",
        "cost": "quadratic",
        "scaling": "mean",
        "scaling.cost": "mean",
        "scaling.update": "mean",
        "engine": "auto",
        "engine.precision": "float32",
        "engine.used": "reference",
        "batch_label": "m=20",
        "eta_other_convention": "0.125",
        "updates_per_epoch": "65",
    }
    assert expected.items() <= params.items()
    assert "optimizer.batch" not in params  # a mere copy of batch


def test_curves_hold_what_the_journal_holds_and_begin_before_any_update(
    client: Any, run: Any, folder: Path
) -> None:
    epochs = [record for record in Reader(folder).new() if record["kind"] == "epoch"]
    assert [epoch["epoch"] for epoch in epochs] == [0, 1, 2, 3, 4]
    for name in epochs[0]["metrics"]:
        points = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in points] == [0, 1, 2, 3, 4], name
        assert [point.value for point in points] == [e["metrics"][name] for e in epochs]
    for part in ("train", "val", "test"):
        assert {f"{part}/cost_mean", f"{part}/cost_sum", f"{part}/accuracy"} <= set(
            epochs[0]["metrics"]
        )
    assert epochs[4]["metrics"]["progress/updates"] == 260
    assert epochs[4]["metrics"]["progress/examples"] == 4 * 1300
    assert epochs[0]["metrics"]["progress/seconds"] == 0


def test_curves_by_update_hold_what_was_measured_after_epochs(
    client: Any, run: Any, folder: Path
) -> None:
    epochs = [record["metrics"] for record in Reader(folder).new() if record["kind"] == "epoch"]
    for name, of in {"train_cost": "train/cost_mean", "val_accuracy": "val/accuracy"}.items():
        points = client.get_metric_history(run.info.run_id, f"by_update/{name}")
        assert [point.step for point in points] == [65, 130, 195, 260]
        assert [point.value for point in points] == [epoch[of] for epoch in epochs[1:]]


def test_the_experiment_has_the_views_of_this_version(client: Any, run: Any) -> None:
    tags = client.get_experiment(run.info.experiment_id).tags
    assert tags[MARK]
    assert missing(tags, version("mlflow"), 0) == {}


def test_the_curves_are_those_of_the_network(client: Any, run: Any, folder: Path) -> None:
    network, v = trained(folder)
    with threadpool_limits(1):  # as the run was: some kernels sum in another order with more
        measured = network.measure(v)
    for part, measure in measured.items():
        last = client.get_metric_history(run.info.run_id, f"{part}/cost_sum")[-1].value
        assert last == measure.cost
        mean = client.get_metric_history(run.info.run_id, f"{part}/cost_mean")[-1].value
        assert mean == measure.cost / measure.n
        assert run.data.metrics[f"final/{part}_accuracy"] == measure.accuracy


def test_figures_of_the_end_are_at_step_0(client: Any, run: Any) -> None:
    once = [name for name in run.data.metrics if name.split("/")[0] in ("best", "final", "time")]
    assert len(once) >= 9
    for name in once:
        (point,) = client.get_metric_history(run.info.run_id, name)
        assert point.step == 0
    values = [p.value for p in client.get_metric_history(run.info.run_id, "val/accuracy")]
    assert run.data.metrics["best/val_accuracy"] == max(values)
    assert run.data.metrics["best/epoch"] == values.index(max(values))


def test_the_data_sets_are_inputs_with_their_digests(run: Any) -> None:
    digits = Digits().load()
    inputs = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
    assert set(inputs) == {"train", "validation", "test"}
    assert inputs["train"].digest == digits.train.digest[:16]
    assert inputs["validation"].digest == digits.validation.digest[:16]
    assert inputs["test"].digest == digits.test.digest[:16]


def test_the_record_is_complete(client: Any, run: Any, tmp_path: Path) -> None:
    config = yaml.safe_load(read(client, run, "config/resolved.yaml", tmp_path))
    whole = {"batch": 20, "sampling": "shuffle", "last": "keep"}
    assert config["optimizer"] == {"_target_": "gdexp.descent.MiniBatch", **whole}
    assert "${" not in yaml.safe_dump(config)
    assert yaml.safe_load(read(client, run, "config/overrides.yaml", tmp_path)) == WORDS
    environment = json.loads(read(client, run, "environment.json", tmp_path))
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["threads"]["blas"] == 1
    assert set(environment["git"]) <= {"commit", "dirty"}
    assert read(client, run, "command.txt", tmp_path).startswith("python -m gdexp optimizer=sgd")
    history = [*csv.DictReader(read(client, run, "history.csv", tmp_path).splitlines())]
    assert [row["epoch"] for row in history] == ["0", "1", "2", "3", "4"]
    assert read(client, run, "journal.jsonl", tmp_path).count("\n") == 7


def trained(folder: Path) -> tuple[Network, Any]:
    """The network of the run, with the parameters that it reached."""
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        v = np.concatenate([arrays[name].ravel() for name in ("w1", "b1", "w2", "b2")])
    return Network(Architecture([30]), Quadratic(), Digits().load(), v.dtype), v


LOAD = """
import sys, numpy as np, mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
assert model.metadata.signature.inputs.inputs[0].shape == (-1, 64)
np.save(sys.argv[4], model.predict(np.load(sys.argv[3])))
assert "gdexp" not in sys.modules
"""


def test_the_model_predicts_in_a_fresh_process_what_the_network_predicted(
    client: Any, run: Any, folder: Path, outputs: Path, tmp_path: Path
) -> None:
    network, v = trained(folder)
    x = network.dataset.test.x(slice(None), network.dtype)
    np.save(tmp_path / "x.npy", x)
    subprocess.run(
        [
            *(sys.executable, "-c", LOAD, f"sqlite:///{outputs}/mlflow.db"),
            *(f"runs:/{run.info.run_id}/model", tmp_path / "x.npy", tmp_path / "a.npy"),
        ],
        env={"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "HOME": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        timeout=100,
    )
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), network.outputs(v, x))
    files = [item.path for item in client.list_artifacts(run.info.run_id, "model")]
    assert not [path for path in files if path.endswith(".pkl")]


def test_the_same_command_gives_the_same_bits(folder: Path, tmp_path: Path) -> None:
    ran = command(*WORDS, "tracking=off", outputs=tmp_path / "again", cwd=tmp_path)
    assert ran.returncode == 0
    (again,) = (tmp_path / "again").glob("runs/*/*/journal.jsonl")
    assert curves(again.parent) == curves(folder)
    (_, v), (_, w) = trained(folder), trained(again.parent)
    assert v.tobytes() == w.tobytes()


def curves(folder: Path) -> list[dict[str, float]]:
    records = [record for record in Reader(folder).new() if record["kind"] == "epoch"]
    for record in records:
        del record["metrics"]["progress/seconds"]
    return [record["metrics"] for record in records]


def runs(outputs: Path) -> list[tuple[str, str]]:
    """Name and status of every run in a store, as the database has them."""
    with sqlite3.connect(outputs / "mlflow.db") as store:
        return store.execute("SELECT name, status FROM runs ORDER BY name").fetchall()


def test_commands_that_start_at_once_on_a_new_store_all_get_in(
    gdexp: Command, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    with ThreadPoolExecutor(4) as pool:
        words = [[f"seed={s}", "epochs=1"] for s in range(4)]
        ran = list(pool.map(lambda each: gdexp(*each, outputs=fresh, **{MAKE: "1"}), words))
    assert [each.returncode for each in ran] == [0] * 4, [each.stderr for each in ran]
    assert runs(fresh) == [(f"sgd m=10 eta=3 s={s}", "FINISHED") for s in range(4)]


def test_a_store_of_an_older_mlflow_is_migrated(gdexp: Command, tmp_path: Path) -> None:
    from alembic import command as alembic
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    old = tmp_path / "old"
    old.mkdir()
    uri = f"sqlite:///{old}/mlflow.db"
    Base.metadata.create_all(create_engine(uri))  # the tables of MLflow's first releases,
    config = _get_alembic_config(uri)  # type: ignore[no-untyped-call]
    alembic.upgrade(config, "0584bdc529eb")  # and the schema of MLflow 2
    with sqlite3.connect(old / "mlflow.db") as store:
        assert not store.execute("SELECT 1 FROM sqlite_master WHERE name='jobs'").fetchall()
    ran = gdexp("epochs=1", outputs=old)
    assert ran.returncode == 0, ran.stderr
    assert runs(old) == [("sgd m=10 eta=3 s=0", "FINISHED")]


def test_a_sweep_is_a_run_with_one_run_a_job_below_it(gdexp: Command, tmp_path: Path) -> None:
    ran = gdexp("-m", "optimizer=sgd", "batch=1,10,100", "epochs=2", outputs=tmp_path / "sweep")
    assert ran.returncode == 0, ran.stderr
    assert "3 of 3 jobs finished" in ran.stdout
    names = [*(f"sgd m={m} eta=3 s=0" for m in (1, 10, 100)), "sweep of batch (3 jobs)"]
    assert sorted(runs(tmp_path / "sweep")) == [(name, "FINISHED") for name in names]
    with sqlite3.connect(tmp_path / "sweep/mlflow.db") as store:
        query = "SELECT value FROM tags WHERE key = ? ORDER BY value"
        sweeps = store.execute(query, ["gdexp.sweep_id"]).fetchall()
        jobs = store.execute(query, ["gdexp.job"]).fetchall()
    assert len(set(sweeps)) == 1
    assert jobs == [("0",), ("1",), ("2",)]


def test_a_run_that_diverges_is_told_as_that(gdexp: Command, tmp_path: Path) -> None:
    words = ["architecture.activation=relu", "architecture.output_activation=identity", "eta=50"]
    ran = gdexp(*words, outputs=tmp_path / "o")
    assert ran.returncode == 0
    assert re.search("diverged at epoch 1: cost is (inf|nan); try a smaller eta", ran.stdout)
    with sqlite3.connect(tmp_path / "o/mlflow.db") as store:
        tags = dict(store.execute("SELECT key, value FROM tags").fetchall())
        values = [value for (value,) in store.execute("SELECT value FROM metrics")]
    assert tags["gdexp.outcome"] == "diverged"
    assert tags["mlflow.note.content"].startswith("diverged at epoch 1")
    assert values
    assert max(map(abs, values)) < 1e300  # MLflow's stand-in for infinity is 1.8e308
    (journal,) = (tmp_path / "o").glob("runs/*/*/journal.jsonl")
    assert [record["kind"] for record in Reader(journal.parent).new()][-2:] == ["epoch", "end"]
