"""Diagnostics as a user chooses them: in the configuration, the record, MLflow and the summary."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.tracking.journal import Reader
from tests.conftest import Command, command

ALL = "diagnostics=[norms,gradcheck,confusion,weights,noise,landscape]"
QUICK = ("epochs=3", "engine=reference")


def folder_of(outputs: Path) -> Path:
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    return journal.parent


def looks(folder: Path) -> list[dict[str, Any]]:
    return [record for record in Reader(folder).new() if record["kind"] == "look"]


def test_one_and_several_and_their_settings(gdexp: Command, outputs: Path) -> None:
    ran = gdexp(*QUICK, "tracking=off", "diagnostics=norms", "diagnostics.norms.every=2")
    assert ran.returncode == 0, ran.stderr
    assert [look["epoch"] for look in looks(folder_of(outputs))] == [0, 2, 3]
    config = (folder_of(outputs) / "config" / "resolved.yaml").read_text()
    assert "diagnostics:\n  norms:\n" in config
    ran = gdexp(*QUICK, "tracking=off", "diagnostics=[norms,gradcheck]", "outputs=two")
    assert ran.returncode == 0, ran.stderr
    seen = looks(folder_of(outputs.parent / "two"))
    assert [look["epoch"] for look in seen] == [0, 1, 2, 3, 3]
    assert {"grad/norm", "gradcheck/error"} <= seen[0]["metrics"].keys()
    with (folder_of(outputs.parent / "two") / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["gradcheck/error"]) for row in rows] == [True, False, False, True]
    assert all(row["grad/norm"] for row in rows)


@pytest.mark.parametrize("engine", ["reference", "blas"])
def test_parameters_and_curves_are_the_same_bits(
    engine: str, gdexp: Command, outputs: Path
) -> None:
    for name, more in (("without", []), ("with", [ALL])):
        words = ["epochs=3", f"engine={engine}", "tracking=off", f"outputs={name}", *more]
        assert gdexp(*words).returncode == 0
    without, seen = (folder_of(outputs.parent / name) for name in ("without", "with"))
    assert not looks(without)
    with np.load(without / "model.npz") as one, np.load(seen / "model.npz") as other:
        for name in one.files:
            assert one[name].tobytes() == other[name].tobytes()
    curves = [
        [
            {k: v for k, v in record["metrics"].items() if "seconds" not in k}
            for record in Reader(folder).new()
            if record["kind"] == "epoch"
        ]
        for folder in (without, seen)
    ]
    assert curves[0] == curves[1]


def test_a_failed_check_fails_the_run(gdexp: Command, outputs: Path) -> None:
    ran = gdexp(
        *QUICK, "tracking=off", "diagnostics=gradcheck", "diagnostics.gradcheck.threshold=1e-15"
    )
    assert ran.returncode == 1
    told = ran.stderr.splitlines()[-1]
    assert re.match(r"diagnostics\.gradcheck: the gradient of layer \d after epoch 0 differs", told)
    assert "Traceback" not in ran.stderr
    end = [*Reader(folder_of(outputs)).new()][-1]
    assert end["status"] == "FAILED"
    assert "relative error" in end["tags"]["gdexp.reason"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["diagnostics=nope"], r"diagnostics must be one of .*norms.*\. Got 'nope'"),
        (["diagnostics=[norms,nope]"], r"diagnostics must be one of .*norms.*\. Got 'nope'"),
        (["diagnostics.norms.every=2"], r"diagnostics\.norms\.every: means something only with"),
        (
            ["diagnostics=norms", "diagnostics.norms.every=-1"],
            r"diagnostics\.norms\.every must be a",
        ),
        (
            ["diagnostics=norms", "+diagnostics.norms.x=1"],
            r"diagnostics\.norms\.x: no such setting",
        ),
        (
            ["diagnostics=noise", "diagnostics.noise.ladder=[7]"],
            r"diagnostics\.noise\.ladder must be",
        ),
        (
            ["diagnostics=confusion", "diagnostics.confusion.part=all"],
            r"diagnostics\.confusion\.part",
        ),
    ],
)
def test_mistakes_are_one_line(words: list[str], told: str, inside: Command, outputs: Path) -> None:
    ran = inside(*QUICK, "tracking=off", *words)
    assert ran.returncode == 1
    assert re.match(told, ran.stderr), ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not list(outputs.glob("runs/*/*"))


def test_the_summary_gives_advice(gdexp: Command) -> None:
    words = ["architecture.activation=relu", "eta=1e3", "epochs=1", "engine=reference"]
    ran = gdexp(*words, "tracking=off", "diagnostics=norms")
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"\nlayer 1: \d+% of the units pass no error back", ran.stdout)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("looked") / "outputs"
    words = [*QUICK, ALL, "diagnostics.confusion.every=1"]
    ran = command(*words, outputs=outputs, cwd=outputs.parent)
    assert ran.returncode == 0, ran.stderr
    return outputs


@pytest.fixture(scope="module")
def client(tracked: Path) -> Any:
    import mlflow

    uri = f"sqlite:///{tracked}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def run(client: Any) -> Any:
    (run,) = client.search_runs([client.get_experiment_by_name("gdexp").experiment_id])
    return run


@pytest.mark.filterwarnings("ignore")
def test_metrics_are_curves_in_mlflow(client: Any, run: Any, tracked: Path) -> None:
    seen = looks(folder_of(tracked))
    for name in ("grad/norm", "units/saturated_layer_1", "recall/5"):
        points = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in points] == [0, 1, 2, 3]
        values = [look["metrics"][name] for look in seen if name in look["metrics"]]
        assert [point.value for point in points] == values
    steps = [p.step for p in client.get_metric_history(run.info.run_id, "grad/noise_scale")]
    assert steps == [0, 3]
    assert run.data.params["diagnostics"] == "norms,gradcheck,confusion,weights,noise,landscape"
    assert run.data.params["diagnostics.noise.ladder"] == "[1,3,10,30,100,300,1000]"


@pytest.mark.filterwarnings("ignore")
def test_images_and_tables_are_where_mlflow_looks_for_them(
    client: Any, run: Any, tmp_path: Path
) -> None:
    assert run.data.tags["mlflow.loggedImages"] == "True"
    names = [each.path for each in client.list_artifacts(run.info.run_id, "images")]
    steps = sorted(
        int(name.split("+")[2]) for name in names if re.match(r"images/confusion\+.*png", name)
    )
    assert steps == [0, 1, 2, 3]
    assert len([name for name in names if name.endswith("+compressed.webp")]) == len(names) / 2
    tables = json.loads(run.data.tags["mlflow.loggedArtifacts"])
    paths = ["diagnostics/noise.json", "diagnostics/recall.json"]
    assert tables == [{"path": path, "type": "table"} for path in paths]
    recall = client.load_table(run.info.experiment_id, "diagnostics/recall.json", [run.info.run_id])
    assert len(recall) == 4 * 10
    assert recall["recall"].between(0, 1).all()
