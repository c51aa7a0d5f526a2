"""The record of one run: its files, and its journal from start to end."""

import csv
import json
import os
import shlex
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from omegaconf import OmegaConf

import gdexp
from gdexp.data import Dataset
from gdexp.descent import Arriving, Epoch, thinned
from gdexp.diagnostics import Finding
from gdexp.engines import Choice, Prepared
from gdexp.errors import GdexpError
from gdexp.experiment import Experiment, RunProblem
from gdexp.figures import keep
from gdexp.interrupted import Interrupted
from gdexp.problems import Network
from gdexp.request import Request
from gdexp.result import Result
from gdexp.tracking import Journal, Reader, names
from gdexp.tracking.environment import code, environment, git
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import JournalError

COLOURS = (
    *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"),
)
BY_AUTO = ", chosen by engine=auto"

MOST_HELD = 1000  # epochs, in memory: a stream may have any number of reports
MOST_ROWS = 10_000  # of a table that is written although the run is to end at once


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
    left : Interrupted, optional
        What the run left when it was interrupted, where it goes on.

    Raises
    ------
    GdexpError
        Where the run went on from other data.
    OSError
        Where the folder cannot be written, or holds a run already.
    """

    def __init__(
        self,
        request: Request,
        problem: RunProblem,
        m: int,
        carrier: Prepared,
        choice: Choice,
        left: Interrupted | None = None,
    ) -> None:
        self.request, self.problem, self.m, self.carrier = request, problem, m, carrier
        self.why = f"{choice.why}; {carrier.how}"
        self.by_auto = BY_AUTO if choice.why.startswith("auto") else ""
        self.name = run_name(request, m)
        self.command = shlex.join(["python", "-m", "gdexp", *request.words])
        self.epochs: list[Epoch] = []
        self.history: list[dict[str, float]] = []
        self.told: dict[str, str] = {}
        self._seen: dict[int, dict[str, float]] = {}  # by epoch, what diagnostics saw
        self._all_held = True
        self._ahead: dict[int, dict[str, Any]] = {}
        self._looks: dict[tuple[int, bool], dict[str, Any]] = {}
        self._forced = self._brief = False
        if left is None:
            self._begin()
        else:
            self._go_on(left)

    def _begin(self) -> None:
        request, commit = self.request, git(self.request.sweep)
        self._hold = Hold(request.output, RUN)
        self.journal = Journal(request.output, request.experiment.journal)
        artifacts = self._write_settings(commit)
        self.journal.write(
            "start",
            name=self.name,
            epochs=request.experiment.reports,
            every=request.experiment.eval.every,
            params=self._params(),
            tags=self._tags(commit),
            datasets=datasets(self.problem.dataset),
            artifacts=artifacts,
            config=request.config,
            code=code(),
        )

    def _go_on(self, left: Interrupted) -> None:
        """Take over what is written, and write on."""
        if left.start["datasets"] != datasets(self.problem.dataset):
            raise GdexpError(
                f"{left.folder}: the data are not those that the run began with. "
                "Bring those back; with others it would be another run."
            )
        self.command = left.command or self.command
        if left.start["tags"]["gdexp.engine_why"].startswith("auto"):
            self.by_auto = BY_AUTO
        self._hold, self._ahead, self._looks = left.hold, left.ahead(), left.looks()
        self._forced = left.forced
        self.epochs = left.epochs()
        self.history = [_row(record["epoch"], record["metrics"]) for record in left.rows()]
        for (epoch, _), look in self._looks.items():
            self._seen.setdefault(epoch, {}).update(_row(epoch, look["metrics"]))
        self.journal = Journal(left.folder, self.request.experiment.journal, left.count)
        number = self.epochs[-1].number if self.epochs else 0
        self.journal.write("resume", epoch=number, tags=_process(), code=code())

    def _write_settings(self, commit: Mapping[str, Any]) -> list[str]:
        folder = self.request.output
        (folder / "config").mkdir()
        OmegaConf.save(OmegaConf.create(dict(self.request.config)), folder / "config/resolved.yaml")
        OmegaConf.save(
            OmegaConf.create(list(self.request.overrides)), folder / "config/overrides.yaml"
        )
        env = json.dumps(environment(self.request.experiment.engine.threads, commit), indent=2)
        texts = {"environment.json": env, "command.txt": self.command}
        if commit.get("diff"):
            texts["git.diff"] = commit["diff"]
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

    def _tags(self, commit: Mapping[str, Any]) -> dict[str, str]:
        optimizer = self.request.choices.get("optimizer", "")
        return {
            **_tags(self.request, commit),
            "gdexp.variant": f"{optimizer} {batch_label(self.m, self.problem.n)}",
            "gdexp.group": group_name(self.request, self.m),
            "gdexp.engine_why": self.why,
            "gdexp.journal": uuid.uuid4().hex,  # which this run is fed from, and no other
            **self.request.tags,
        }

    def epoch(self, epoch: Epoch, figures: Mapping[str, float]) -> None:
        """Write down an epoch, with the problem's own figures, or compare it with what is written.

        Raises
        ------
        GdexpError
            Where the run was interrupted, and does not go on as it went.
        """
        metrics = {**names.of_epoch(epoch), **figures}
        if (known := self._ahead.pop(epoch.number, None)) is not None:
            self._compare(known, {"cost": epoch.cost, **metrics})
        else:
            self.journal.write("epoch", epoch=epoch.number, **_more(epoch), metrics=metrics)
        self.epochs.append(epoch)
        self.history.append({"epoch": epoch.number, **metrics})
        if len(self.epochs) > MOST_HELD and self.request.experiment.stream is not None:
            self._thin()

    def _compare(self, known: Mapping[str, Any], now: Mapping[str, float]) -> None:
        then = _row(known["epoch"], {"cost": known["cost"], **known["metrics"]})
        other = [name for name in {**then, **now} if name != "epoch"]
        other = [name for name in other if not _same(then.get(name), now.get(name))]
        if other and self._forced:
            self.told.setdefault("forced", f"from epoch {known['epoch']} on it is another run")
        elif other:
            name = other[0]
            raise GdexpError(
                f"epoch {known['epoch']}, gone through again, has {name} {now.get(name)!r}, "
                f"and had {then.get(name)!r}: this would be another run. Another machine, or "
                "another version of a library, computes here; --force goes on all the same."
            )

    def _thin(self) -> None:
        """Hold fewer epochs: the journal has them all."""
        self.epochs, self._all_held = thinned(self.epochs), False
        held = {epoch.number for epoch in self.epochs}
        self.history = [row for row in self.history if row["epoch"] in held]

    def looked(self, epoch: Epoch, *, last: bool = False) -> dict[str, list[str]] | None:
        """Say what diagnostics remarked after an epoch, where that was written down before."""
        look = self._looks.pop((epoch.number, last), None)
        return None if look is None else dict(look["told"])

    def look(
        self,
        epoch: Epoch,
        found: Finding,
        told: Mapping[str, Sequence[str]],
        *,
        last: bool = False,
    ) -> None:
        """Write down what diagnostics saw after an epoch, where any did, and their remarks."""
        if found.metrics or found.files:
            self._seen.setdefault(epoch.number, {}).update(found.metrics)
            what = {"metrics": found.metrics, "artifacts": found.files, "told": dict(told)}
            self.journal.write("look", epoch=epoch.number, last=last, **what)

    def finish(self, result: Result, v: np.ndarray[Any, Any]) -> None:
        """Write down the end of a run that went its way, with its parameters."""
        tags = {"gdexp.outcome": result.outcome}
        if result.lost_classes:
            tags["gdexp.lost_classes"] = ",".join(map(str, result.lost_classes))
        if result.advice:
            tags["gdexp.reason"] = result.advice
        self._save_model(v)
        self.told |= self.problem.told(v)
        pictures = self._draw(v)
        if result.epochs[-1].ended:
            tags["gdexp.stopped"] = result.epochs[-1].ended
        model = "model.npz" if isinstance(self.problem, Network) else None
        self._end("FINISHED", result.headline, tags, result.figures, pictures, model)

    @property
    def ended(self) -> bool:
        """Whether the end is written."""
        return self.journal.closed

    def break_off(self, status: str, outcome: str, reason: str) -> None:
        """Write down the end of a run that was stopped, or that failed, and why."""
        tags = {"gdexp.outcome": outcome, "gdexp.reason": reason}
        self._brief = len(self.history) > MOST_ROWS
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
        history = not self._brief and self._write_history()
        artifacts = [*(["history.csv"] if history else []), *pictures]
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
        self._hold.let_go(remove=status == "FINISHED")

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
        **_process(),
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


def _process() -> dict[str, str]:
    """Name the process that trains."""
    return {"gdexp.pid": str(os.getpid()), "gdexp.host": socket.gethostname()}


def _more(epoch: Epoch) -> dict[str, Any]:
    """Give what is needed to go on from a journal, and is no figure."""
    sizes = {name: measure.n for name, measure in epoch.parts.items()}
    return {
        "cost": epoch.cost,
        **({"sizes": sizes} if epoch.number == 0 else {}),
        **({"ended": epoch.ended} if epoch.ended else {}),
    }


def _row(epoch: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Read an epoch's figures as they were: a journal has words for what is no number."""
    read = {name: float(v) if isinstance(v, str) else v for name, v in metrics.items()}
    return {"epoch": epoch, **read}


def _same(one: Any, other: Any) -> bool:
    return one == other or (one is not None and one != one and other != other)


def _updates(experiment: Experiment, n: int) -> dict[str, str]:
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
