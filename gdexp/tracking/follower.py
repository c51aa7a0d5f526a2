"""Brings one run's journal into the store, step by step, and gives no step up at once."""

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.tracking.batch import Batch
from gdexp.tracking.journal import JournalError, Reader

if TYPE_CHECKING:
    from gdexp.tracking.store import Store

MOST_POINTS = 320  # of a curve: MLflow's page draws no more, and the journal has them all
AT_ONCE = 40  # epochs that go into one batch
TRIES = 3  # of a step, a tick apart; then it is left out, and the next ones have their turn

Step = Callable[[], None]


class Follower:
    """Follows one run.

    What is to be done lies in a queue of steps; a step leaves it when it has succeeded, so that a
    store which is locked or away for a moment costs nothing. The last step of all sets the status.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    store : Store
    say, told : callable
        Tells the command; tells an error in one line.
    parent : str
        The id of the sweep's run, where it is a job of one.
    """

    def __init__(
        self,
        folder: Path,
        store: "Store",
        say: Callable[..., None],
        told: Callable[[Exception], str],
        parent: str = "",
    ) -> None:
        self.folder, self.store, self._say, self._told = folder, store, say, told
        self.reader = Reader(folder)
        self.run_id, self._parent = "", parent
        self.done = False
        self._ended = False
        self._error: str | None = None
        self._steps: deque[Step] = deque()
        self._tries = 0
        self._stride, self._unending = 1, False
        self._batch = Batch()  # to be sent
        self._looked: int | None = None  # the epoch of the last look whose metrics are sent
        self._skipped: dict[str, Any] | None = None  # the last one, where it was not to be sent

    def advance(self, *, last: bool, hurry: bool) -> None:
        """Do what there is to do; `last`: nothing more comes; `hurry`: only the status counts."""
        self._read()
        if last and not self._ended:
            self._ended = True
            self._steps.append(lambda: self.store.close_abandoned(self.run_id, self.folder))
        if hurry:
            self._hasten()
        self._carry_out(final=hurry)
        if self._ended and not self._steps:
            self._finish()

    def _hasten(self) -> None:
        """Give up all steps but the last, which sets the status."""
        self._steps = deque([*self._steps][-1:])
        self._error = self._error or "the store did not take everything in time"

    def _carry_out(self, *, final: bool) -> None:
        while self._steps and self._try(self._steps[0], final=final):
            pass

    def _try(self, step: Step, *, final: bool) -> bool:
        """Carry out the first step; False where it is to be tried again later."""
        try:
            step()
        except Exception as error:
            self._tries += 1
            if self._tries < TRIES and not final:
                return False
            self._error = self._error or self._told(error)
        self._tries = 0
        self._steps.popleft()
        return True

    def _finish(self) -> None:
        self.done = True
        error = {"error": self._error} if self._error else {}
        self._say(folder=str(self.folder), done=True, **error)

    def _read(self) -> None:
        try:
            for record in self.reader.new():
                getattr(self, f"_plan_{record['kind']}")(record)
        except (OSError, JournalError) as error:
            self._error = self._error or self._told(error)
        self._plan_batch()

    def _plan_start(self, record: dict[str, Any]) -> None:
        every, self._unending = record["every"], record["epochs"] is None
        self._stride = every * max(1, -(-(record["epochs"] or 0) // (every * (MOST_POINTS - 2))))
        self._steps.append(lambda: self._create(record))
        self._steps.append(lambda: self.store.describe_data(self.run_id, record["datasets"]))
        self._batch.params |= record["params"]
        self._steps.append(
            lambda: self.store.log_files(self.run_id, record["artifacts"], self.folder)
        )

    def _create(self, record: dict[str, Any]) -> None:
        if self._parent:
            record = {**record, "tags": {**record["tags"], "mlflow.parentRunId": self._parent}}
        self.run_id = self.store.create_run(record)
        ids = {"run_id": self.run_id, "experiment_id": self.store.experiment_id}
        (self.folder / "mlflow.json").write_text(json.dumps(ids) + "\n")
        self._say(folder=str(self.folder), **ids)

    def _plan_epoch(self, epoch: dict[str, Any]) -> None:
        """Choose evenly spaced epochs, such that a curve has at most `MOST_POINTS`.

        Where nobody knows how many there will be, they come half as often whenever there have
        been that many in even spaces: each doubling of the length adds half of `MOST_POINTS`.
        """
        if self._unending and epoch["epoch"] > MOST_POINTS * self._stride:
            self._stride *= 2
        if epoch["epoch"] % self._stride:
            self._skipped = epoch
        else:
            self._add(epoch)
            self._skipped = None

    def _plan_look(self, look: dict[str, Any]) -> None:
        """Send every file, and metrics as closely as those of epochs are sent, the last always."""
        if self._looked is None or look["last"] or look["epoch"] >= self._looked + self._stride:
            self._looked = look["epoch"]
            self._add(look)
        if look["artifacts"]:
            files = look["artifacts"]
            self._steps.append(lambda: self.store.log_found(self.run_id, files, self.folder))

    def _add(self, epoch: dict[str, Any]) -> None:
        """Put figures of an epoch among what is to be sent."""
        if len(self._batch.points) >= AT_ONCE:
            self._plan_batch()
        self._batch.points.append((epoch["time"], epoch["epoch"], epoch["metrics"]))

    def _plan_batch(self) -> None:
        """Plan to send what has come together."""
        if self._batch:
            batch, self._batch = self._batch, Batch()
            self._steps.append(lambda: self.store.log(self.run_id, batch))

    def _plan_end(self, record: dict[str, Any]) -> None:
        if self._skipped is not None:
            self._add(self._skipped)  # a curve ends where the run ended
        self._batch.points.append((record["time"], 0, record["metrics"]))
        self._batch.tags |= record["tags"]
        self._plan_batch()
        self._ended = True
        folder = self.folder
        self._steps.append(lambda: self.store.log_journal(self.run_id, record, folder))
        if record["model"]:
            self._steps.append(lambda: self.store.log_model(self.run_id, folder / record["model"]))
        self._steps.append(lambda: self.store.close_run(self.run_id, record))
