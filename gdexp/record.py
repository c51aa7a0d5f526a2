"""The record of one run: its files, and its journal from start to end."""

import csv
import json
import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from gdexp.descent import Epoch, thinned
from gdexp.diagnostics import Finding
from gdexp.engines import Choice, Prepared
from gdexp.errors import GdexpError
from gdexp.experiment import RunProblem
from gdexp.figures import keep
from gdexp.interrupted import Interrupted
from gdexp.labels import (
    batch_label,
    datasets,
    group_name,
    process_tags,
    run_name,
    tags_of,
    updates_of,
)
from gdexp.problems import Network
from gdexp.request import Request
from gdexp.result import Result
from gdexp.tracking import Journal, Reader, names
from gdexp.tracking.environment import code, environment, git
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import JournalError

BY_AUTO = ", chosen by engine=auto"

AT_ONCE = 10_000  # updates of a line in the journal
MOST_HELD = 1000  # epochs, in memory: a stream may have any number of reports
MOST_WRITTEN = 256  # texts of settings, in memory
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
        self._updates: dict[int, dict[str, Any]] = {}  # by the first of them
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
        if left.start["tags"].get("gdexp.engine_why", "").startswith("auto"):
            self.by_auto = BY_AUTO
        self._hold, self._ahead, self._looks = left.hold, left.ahead(), left.looks()
        self._forced, self._updates = left.forced, left.updates()
        self.epochs = left.epochs()
        self.history = [_row(record["epoch"], record["metrics"]) for record in left.rows()]
        for (epoch, _), look in self._looks.items():
            self._seen.setdefault(epoch, {}).update(_row(epoch, look["metrics"]))
        self.journal = Journal(left.folder, self.request.experiment.journal, left.count)
        number = self.epochs[-1].number if self.epochs else 0
        self.journal.write("resume", epoch=number, tags=process_tags(), code=code())

    def _write_settings(self, commit: Mapping[str, Any]) -> list[str]:
        folder = self.request.output
        (folder / "config").mkdir()
        env = json.dumps(environment(self.request.experiment.engine.threads, commit), indent=2)
        nodes = self.request.config.items()
        texts = {
            "config/resolved.yaml": "".join(_yaml({key: node}) for key, node in nodes),
            "config/overrides.yaml": _yaml([*self.request.overrides]),
            "environment.json": env,
            "command.txt": self.command,
        }
        if commit.get("diff"):
            texts["git.diff"] = commit["diff"]
        for name, text in texts.items():
            (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return [*texts]

    def _params(self) -> dict[str, str]:
        experiment, problem, m = self.request.experiment, self.problem, self.m
        return {
            **self.request.params,
            **problem.params(),
            "batch_label": batch_label(m, problem.n),
            "eta_other_convention": repr(experiment.update.other_eta(experiment.eta, m)),
            **updates_of(experiment, problem.n),
            "engine.used": self.carrier.name,
        }

    def _tags(self, commit: Mapping[str, Any]) -> dict[str, str]:
        optimizer = self.request.choices.get("optimizer", "")
        return {
            **tags_of(self.request, commit),
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
            then = {"epoch": epoch.number, "cost": known["cost"], **known["metrics"]}
            self._compare(then, {"cost": epoch.cost, **metrics})
        else:
            self.journal.write("epoch", epoch=epoch.number, **_more(epoch), metrics=metrics)
        self.epochs.append(epoch)
        self.history.append({"epoch": epoch.number, **metrics})
        if len(self.epochs) > MOST_HELD and self.request.experiment.stream is not None:
            self._thin()

    def updates(self, epoch: int, first: int, costs: Sequence[float]) -> None:
        """Write down what each update of an epoch cost, many to a line, or compare that.

        Raises
        ------
        GdexpError
            Where the run was interrupted, and does not go on as it went.
        """
        for at in range(0, len(costs), AT_ONCE):
            some = [*costs[at : at + AT_ONCE]]
            if (known := self._updates.pop(first + at, None)) is None:
                self.journal.write("updates", epoch=epoch, first=first + at, costs=some)
            else:
                names = [f"cost of update {first + at + k}" for k in range(len(some))]
                then = dict(zip(names, known["costs"], strict=False))
                self._compare({"epoch": epoch, **then}, dict(zip(names, some, strict=True)))

    def _compare(self, known: Mapping[str, Any], now: Mapping[str, float]) -> None:
        then = _row(known["epoch"], {name: each for name, each in known.items() if name != "epoch"})
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
        try:
            self._end(status, f"{outcome}: {reason}", tags, {})
        except OSError:  # what broke the run off, such as a full disk, is what is told
            self._hold.let_go()

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
            with (
                whole(self.request.output / "history.csv") as part,
                part.open("w", newline="") as file,
            ):
                writer = csv.DictWriter(file, list(columns))
                writer.writeheader()
                writer.writerows(rows if self._all_held else self._written())
        except (OSError, JournalError) as error:
            self.told["history"] = f"none: {error}"
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
        with whole(self.request.output / "model.npz") as part:
            np.savez(part, **arrays)


def _yaml(node: Any) -> str:
    """Write YAML; what one job of a sweep has like the one before it is not written anew."""
    key = repr(node)
    if key not in _written:
        if len(_written) > MOST_WRITTEN:
            _written.clear()
        _written[key] = OmegaConf.to_yaml(OmegaConf.create(node))
    return _written[key]


_written: dict[str, str] = {}


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give another name to write to; the file has its own when it is whole, or is not there."""
    part = path.with_name(f".part-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


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
