"""Writes what happens to a run into its folder, as it happens."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gdexp.descent import Epoch
from gdexp.diagnostics import Finding
from gdexp.engines import Choice, Prepared
from gdexp.errors import GdexpError
from gdexp.experiment import RunProblem
from gdexp.figures import keep
from gdexp.interrupted import Interrupted
from gdexp.labels import datasets, process_tags, run_name
from gdexp.record.before import Before
from gdexp.record.end import End, save_parameters
from gdexp.record.history import History
from gdexp.record.start import Start
from gdexp.request import Request
from gdexp.result import Result
from gdexp.tracking import Journal, names
from gdexp.tracking.environment import code, git
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import JournalError

BY_AUTO = ", chosen by engine=auto"
TABLE = "history.csv"
AT_ONCE = 10_000  # updates of a line in the journal
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
        self.by_auto = BY_AUTO if choice.why.startswith("auto") else ""
        self.name = run_name(request, m)
        self.command = shlex.join(["python", "-m", "gdexp", *request.words])
        self.told: dict[str, str] = {}  # by a word, what a summary tells beyond the result
        endless = request.experiment.stream is not None
        self._history = History(request.output, endless=endless, left=left)
        self._before = Before(left, self.told)
        if left is None:
            self._begin(choice)
        else:
            self._go_on(left)

    def _begin(self, choice: Choice) -> None:
        why, commit = f"{choice.why}; {self.carrier.how}", git(self.request.sweep)
        start = Start(self.request, self.problem, self.m, self.carrier, why, commit)
        self._hold = Hold(self.request.output, RUN)
        self.journal = Journal(self.request.output, self.request.experiment.journal)
        files = start.write_settings(self.command)
        self.journal.write("start", **start.told(files))

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
        self._hold = left.hold
        self.journal = Journal(left.folder, self.request.experiment.journal, left.count)
        number = self.epochs[-1].number if self.epochs else 0
        self.journal.write("resume", epoch=number, tags=process_tags(), code=code())

    @property
    def epochs(self) -> list[Epoch]:
        """The epochs so far; of a stream that is long, only some."""
        return self._history.epochs

    def epoch(self, epoch: Epoch, figures: Mapping[str, float]) -> None:
        """Write down an epoch, with the problem's own figures, or compare it with what is written.

        Raises
        ------
        GdexpError
            Where the run was interrupted, and does not go on as it went.
        """
        metrics = {**names.of_epoch(epoch), **figures}
        if not self._before.has_epoch(epoch, metrics):
            self.journal.write("epoch", epoch=epoch.number, **_more(epoch), metrics=metrics)
        self._history.add(epoch, metrics)

    def updates(self, epoch: int, first: int, costs: Sequence[float]) -> None:
        """Write down what each update of an epoch cost, many to a line, or compare that.

        Raises
        ------
        GdexpError
            Where the run was interrupted, and does not go on as it went.
        """
        for at in range(0, len(costs), AT_ONCE):
            some = [*costs[at : at + AT_ONCE]]
            if not self._before.has_updates(epoch, first + at, some):
                self.journal.write("updates", epoch=epoch, first=first + at, costs=some)

    def looked(self, epoch: Epoch, *, last: bool = False) -> dict[str, list[str]] | None:
        """Say what diagnostics remarked after an epoch, where that was written down before."""
        return self._before.look(epoch, last=last)

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
            self._history.saw(epoch.number, found.metrics)
            what = {"metrics": found.metrics, "artifacts": found.files, "told": dict(told)}
            self.journal.write("look", epoch=epoch.number, last=last, **what)

    def finish(self, result: Result, v: np.ndarray[Any, Any]) -> None:
        """Write down the end of a run that went its way, with its parameters."""
        save_parameters(self.problem, v, self.request.output)
        self.told |= self.problem.told(v)
        self._end(End.of(result, self.problem, self._draw(v)), self._tabulate())

    @property
    def ended(self) -> bool:
        """Whether the end is written."""
        return self.journal.closed

    def break_off(self, status: str, outcome: str, reason: str) -> None:
        """Write down the end of a run that was stopped, or that failed, and why."""
        tables = self._tabulate() if len(self._history.rows) <= MOST_ROWS else []
        try:
            self._end(End.broken_off(status, outcome, reason), tables)
        except OSError:  # what broke the run off, such as a full disk, is what is told
            self._hold.let_go()

    def _end(self, end: End, tables: Sequence[str]) -> None:
        self.journal.write("end", **end.told(self.command, tables))
        self.journal.close()
        self._hold.let_go(remove=end.status == "FINISHED")

    def _tabulate(self) -> list[str]:
        """Write the epochs as a table; the journal, which is worth more, does not depend on it."""
        try:
            self._history.write(TABLE)
        except (OSError, JournalError) as error:
            self.told["history"] = f"none: {error}"
            return []
        return [TABLE]

    def _draw(self, v: np.ndarray[Any, Any]) -> list[str]:
        """Write the problem's own tables and pictures; what fails there is told."""
        written: list[str] = []
        try:
            for name in keep(self.problem, self._history.rows, v, self.request.output):
                written.append(name)
        except (GdexpError, OSError) as error:
            self.told["picture"] = f"none: {error}"
        return written


def _more(epoch: Epoch) -> dict[str, Any]:
    """Give what is needed to go on from a journal, and is no figure."""
    sizes = {name: measure.n for name, measure in epoch.parts.items()}
    return {
        "cost": epoch.cost,
        **({"sizes": sizes} if epoch.number == 0 else {}),
        **({"ended": epoch.ended} if epoch.ended else {}),
    }
