"""What a run is called, and what it is labelled with in its record: tags, colours, data sets."""

import json
import os
import socket
from collections.abc import Mapping
from typing import Any

import gdexp
from gdexp.data import Dataset
from gdexp.descent import Arriving
from gdexp.experiment import Experiment
from gdexp.process import mark
from gdexp.request import Request

COLOURS = (
    *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"),
)


def tags_of(request: Request, code: Mapping[str, Any]) -> dict[str, str]:
    """Give the tags of a run that say what it is, and where."""
    tags = {
        "gdexp.kind": "train",
        "gdexp.config_hash": request.config_hash,
        "gdexp.group_key": request.group_key,
        "gdexp.overrides": " ".join(request.overrides),
        "gdexp.version": gdexp.__version__,
        **process_tags(),
        "mlflow.runColor": COLOURS[request.shade % len(COLOURS)],
        "mlflow.source.name": "gdexp",
        "mlflow.source.type": "LOCAL",
    }
    if request.sweep is not None:
        tags |= {"gdexp.sweep_id": request.sweep, "gdexp.job": str(request.job)}
    if request.varies:
        tags["gdexp.varies"] = " ".join(request.varies)
    if code:
        tags |= {
            "gdexp.git_dirty": str(code["dirty"]),
            "mlflow.source.git.commit": code["commit"],
        }
    return tags


def run_name(request: Request, m: int) -> str:
    """Give a name that a person can read: what is special about the run, then the usual knobs."""
    return f"{_variant_name(request, m)} s={request.experiment.seed}"


def group_name(request: Request, m: int) -> str:
    """Name what runs that differ in their seeds alone have in common."""
    epochs = request.experiment.epochs
    return _variant_name(request, m) + ("" if epochs is None else f" epochs={epochs}")


def _variant_name(request: Request, m: int) -> str:
    experiment, optimizer = request.experiment, request.choices.get("optimizer", "")
    size = [f"m={m}"] if m and "batch" in request.config else []
    clip = [] if experiment.clip is None else [f"clip={experiment.clip:g}"]
    return " ".join([*request.special, optimizer, *size, f"eta={experiment.eta:g}", *clip])


def batch_label(m: int, n: int) -> str:
    """Tell batches apart by name, since a number would be drawn to scale."""
    return "all" if m == n else f"m={m}"


def process_tags() -> dict[str, str]:
    """Name the process that trains."""
    began = {"gdexp.pid_began": found} if (found := mark(os.getpid())) else {}
    return {"gdexp.pid": str(os.getpid()), **began, "gdexp.host": socket.gethostname()}


def updates_of(experiment: Experiment, n: int) -> dict[str, str]:
    """Count the updates of an epoch, where there are epochs."""
    optimizer = experiment.optimizer
    if isinstance(optimizer, Arriving):
        return {}  # it has no epochs
    return {"updates_per_epoch": str(optimizer.updates(n))}


def datasets(data: Dataset | None) -> list[dict[str, str]]:
    """Describe the parts of a data set as a journal has them, each with a digest."""
    contexts = {"train": "train", "val": "validation", "test": "test"}
    if data is None:
        return []
    return [
        {
            "name": f"{data.name} {contexts[name]}",
            "digest": part.digest[:16],  # a column of MLflow's table shows it
            "context": contexts[name],
            "source_type": "local",
            "source": json.dumps({"uri": data.source}),
            "profile": json.dumps({"examples": len(part), "inputs": data.n_in}),
        }
        for name, part in data.parts.items()
    ]
