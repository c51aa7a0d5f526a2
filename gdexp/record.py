"""The record of one run: its files, and its journal from start to end."""

import csv
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from omegaconf import OmegaConf

import gdexp
from gdexp.descent import Arriving, Epoch, thinned
from gdexp.diagnostics import Finding
from gdexp.engines import Choice, Prepared
from gdexp.errors import GdexpError
from gdexp.experiment import Experiment, RunProblem
from gdexp.figures import keep
from gdexp.problems import Network
from gdexp.request import Request
from gdexp.result import Result
from gdexp.tracking import Journal, Reader, names
from gdexp.tracking.environment import environment, git
from gdexp.tracking.journal import JournalError

COLOURS = (
    *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"),
)


MOST_HELD = 1000  # epochs, in memory: a stream may have any number of reports


class Record:
    """Writes what happens to a run into its output folder, as it happens.

    Parameters
    ----------
    request : Request
    problem : RunProblem
    m : int
        Examples that an update sees.
    carrier : Prepared
        What carries the epochs out.
    choice : Choice
        Why it is that one.

    Raises
    ------
    OSError
        Where the folder cannot be written, or holds a run already.
    """

    def __init__(
        self, request: Request, problem: RunProblem, m: int, carrier: Prepared, choice: Choice
    ) -> None:
        self.request, self.problem, self.m, self.carrier = request, problem, m, carrier
        self.why = f"{choice.why}; {carrier.how}"
        self.by_auto = ", chosen by engine=auto" if choice.why.startswith("auto") else ""
        self.command = shlex.join(["python", "-m", "gdexp", *request.words])
        self.epochs: list[Epoch] = []
        self.history: list[dict[str, float]] = []
        self.told: dict[str, str] = {}
        self._seen: dict[int, dict[str, float]] = {}  # by epoch, what diagnostics saw
        self._all_held = True
        self.journal = Journal(request.output)
        code = git(request.sweep)
        artifacts = self._write_settings(code)
        self.journal.write(
            "start",
            name=run_name(request, m),
            epochs=request.experiment.reports,
            every=request.experiment.eval.every,
            params=self._params(),
            tags=self._tags(code),
            datasets=_datasets(problem),
            artifacts=artifacts,
            config=request.config,
        )

    def _write_settings(self, code: Mapping[str, Any]) -> list[str]:
        folder = self.request.output
        (folder / "config").mkdir()
        OmegaConf.save(OmegaConf.create(dict(self.request.config)), folder / "config/resolved.yaml")
        OmegaConf.save(
            OmegaConf.create(list(self.request.overrides)), folder / "config/overrides.yaml"
        )
        env = json.dumps(environment(self.request.experiment.engine.threads, code), indent=2)
        texts = {"environment.json": env, "command.txt": self.command}
        if code.get("diff"):
            texts["git.diff"] = code["diff"]
        for name, text in texts.items():
            (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return ["config/resolved.yaml", "config/overrides.yaml", *texts]

    def _params(self) -> dict[str, str]:
        experiment, problem, m = self.request.experiment, self.problem, self.m
        return {
            **self.request.params,
            **problem.params(),
            "batch_label": batch_label(m, problem.n),
            "eta_other_convention": repr(experiment.update.other_eta(experiment.eta, m)),
            **_updates(experiment, problem.n),
            "engine.used": self.carrier.name,
        }

    def _tags(self, code: Mapping[str, Any]) -> dict[str, str]:
        optimizer = self.request.choices.get("optimizer", "")
        return {
            **_tags(self.request, code),
            "gdexp.variant": f"{optimizer} {batch_label(self.m, self.problem.n)}",
            "gdexp.engine_why": self.why,
        }

    def epoch(self, epoch: Epoch, figures: Mapping[str, float]) -> None:
        """Write down an epoch, with the problem's own figures."""
        self.epochs.append(epoch)
        metrics = {**names.of_epoch(epoch), **figures}
        self.history.append({"epoch": epoch.number, **metrics})
        self.journal.write("epoch", epoch=epoch.number, metrics=metrics)
        if len(self.epochs) > MOST_HELD and self.request.experiment.stream is not None:
            self._thin()

    def _thin(self) -> None:
        """Hold fewer epochs: the journal has them all."""
        self.epochs, self._all_held = thinned(self.epochs), False
        held = {epoch.number for epoch in self.epochs}
        self.history = [row for row in self.history if row["epoch"] in held]

    def look(self, epoch: Epoch, found: Finding, *, last: bool = False) -> None:
        """Write down what diagnostics saw after an epoch, where any did."""
        if found.metrics or found.files:
            self._seen.setdefault(epoch.number, {}).update(found.metrics)
            self.journal.write(
                "look", epoch=epoch.number, metrics=found.metrics, artifacts=found.files, last=last
            )

    def finish(self, result: Result, v: np.ndarray[Any, Any]) -> None:
        """Write down the end of a run that went its way, with its parameters."""
        tags = {"gdexp.outcome": result.outcome}
        if result.lost_classes:
            tags["gdexp.lost_classes"] = ",".join(map(str, result.lost_classes))
        if result.advice:
            tags["gdexp.reason"] = result.advice
        self._save_model(v)
        self.told = self.problem.told(v)
        pictures = self._draw(v)
        if result.epochs[-1].ended:
            tags["gdexp.stopped"] = result.epochs[-1].ended
        model = "model.npz" if isinstance(self.problem, Network) else None
        self._end("FINISHED", result.headline, tags, result.figures, pictures, model)

    def break_off(self, status: str, outcome: str, reason: str) -> None:
        """Write down the end of a run that was stopped, or that failed, and why."""
        if self.journal.closed:  # Ctrl-C came after the end was written
            return
        tags = {"gdexp.outcome": outcome, "gdexp.reason": reason}
        with suppress(OSError):  # what broke the run off, such as a full disk, is what is told
            self._end(status, f"{outcome}: {reason}", tags, {})

    def _end(
        self,
        status: str,
        headline: str,
        tags: dict[str, str],
        figures: dict[str, float],
        pictures: Sequence[str] = (),
        model: str | None = None,
    ) -> None:
        artifacts = [*(["history.csv"] if self._write_history() else []), *pictures]
        note = f"{headline}\n\n    {self.command}\n"
        self.journal.write(
            "end",
            status=status,
            tags={**tags, "mlflow.note.content": note},
            metrics=figures,
            artifacts=artifacts,
            model=model,
        )
        self.journal.close()

    def _write_history(self) -> bool:
        """Write the epochs as a table; the journal, which is worth more, does not depend on it."""
        rows = [row | self._seen.get(int(row["epoch"]), {}) for row in self.history]
        columns = {"epoch": None, **{name: None for row in rows for name in row}}
        try:
            with (self.request.output / "history.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(columns))
                writer.writeheader()
                writer.writerows(rows if self._all_held else self._written())
        except (OSError, JournalError):
            return False
        return True

    def _draw(self, v: np.ndarray[Any, Any]) -> list[str]:
        """Write the problem's own tables and pictures; what fails there is told."""
        written: list[str] = []
        try:
            for name in keep(self.problem, self.history, v, self.request.output):
                written.append(name)
        except (GdexpError, OSError) as error:
            self.told["picture"] = f"none: {error}"
        return written

    def _written(self) -> Iterator[dict[str, Any]]:
        """Read the epochs' figures from the journal."""
        for each in Reader(self.request.output).new():
            if each["kind"] == "epoch":
                yield {"epoch": each["epoch"], **each["metrics"]}

    def _save_model(self, v: np.ndarray[Any, Any]) -> None:
        arrays: dict[str, Any] = self.problem.arrays(v)
        np.savez(self.request.output / "model.npz", **arrays)


def record_refusal(request: Request, why: str) -> None:
    """Record a run that could not begin: a job of a sweep is not to be missing from it.

    Raises
    ------
    OSError
        Where its folder cannot be written, or holds a run already.
    """
    _write_end(_begun(request), request, "FAILED", "failed", why)


def record_loss(request: Request, why: str) -> None:
    """Record the end of a run whose process is gone.

    Raises
    ------
    OSError
        Where its folder cannot be written.
    """
    try:
        journal = Journal.reopened(request.output)
    except FileNotFoundError:
        request.output.mkdir(parents=True, exist_ok=True)
        journal = _begun(request)
    _write_end(journal, request, "KILLED", "killed", why)


def _begun(request: Request) -> Journal:
    journal = Journal(request.output)
    journal.write(
        "start",
        name=run_name(request, 0),
        epochs=None,
        every=1,
        params=request.params,
        tags=_tags(request, git(request.sweep)),
        datasets=[],
        artifacts=[],
        config=request.config,
    )
    return journal


def _write_end(journal: Journal, request: Request, status: str, outcome: str, why: str) -> None:
    command = shlex.join(["python", "-m", "gdexp", *request.words])
    tags = {"gdexp.outcome": outcome, "gdexp.reason": why}
    note = {"mlflow.note.content": f"{outcome}: {why}\n\n    {command}\n"}
    journal.write("end", status=status, tags={**tags, **note}, metrics={}, artifacts=[], model=None)
    journal.close()


def _tags(request: Request, code: Mapping[str, Any]) -> dict[str, str]:
    """Give the tags of a run that say what it is, and where."""
    tags = {
        "gdexp.kind": "train",
        "gdexp.config_hash": request.config_hash,
        "gdexp.group_key": request.group_key,
        "gdexp.overrides": " ".join(request.overrides),
        "gdexp.version": gdexp.__version__,
        "gdexp.pid": str(os.getpid()),
        "gdexp.host": socket.gethostname(),
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
    experiment, optimizer = request.experiment, request.choices.get("optimizer", "")
    size = [f"m={m}"] if m and "batch" in request.config else []
    knobs = [optimizer, *size, f"eta={experiment.eta:g}", f"s={experiment.seed}"]
    return " ".join([*request.special, *knobs])


def batch_label(m: int, n: int) -> str:
    """Tell batches apart by name, since a number would be drawn to scale."""
    return "all" if m == n else f"m={m}"


def _updates(experiment: Experiment, n: int) -> dict[str, str]:
    optimizer = experiment.optimizer
    if isinstance(optimizer, Arriving):
        return {}  # it has no epochs
    return {"updates_per_epoch": str(optimizer.updates(n))}


def _datasets(problem: RunProblem) -> list[dict[str, str]]:
    contexts = {"train": "train", "val": "validation", "test": "test"}
    data = problem.dataset
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
