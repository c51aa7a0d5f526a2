"""Brings one run's journal into the store, step by step, and gives no step up at once."""

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.tracking.batch import Batch, Point
from gdexp.tracking.by_update import ByUpdate
from gdexp.tracking.hold import FEED, Hold
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

    Each point is sent once. Where something may have been sent before, by a feeder of the run's
    first part, or by a step that failed only after the store had taken it, the store is asked what
    it has. At most one feeder at a time follows a run.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    store : Store
    say, told : callable
        Tells the command; tells an error in one line.
    parent : str
        The id of the sweep's run, where it is a job of one.
    again : bool
        Whether another feeder may have brought some of it in.
    """

    def __init__(
        self,
        folder: Path,
        store: "Store",
        say: Callable[..., None],
        told: Callable[[Exception], str],
        parent: str = "",
        *,
        again: bool = False,
    ) -> None:
        self.folder, self.store, self._say, self._told = folder, store, say, told
        self.reader = Reader(folder)
        self.run_id, self._parent, self._again = "", parent, again
        self.done = False
        self._ended = False
        self.error: str | None = None
        self._hold: Hold | None = None
        self._steps: deque[Step] = deque()
        self._closing: deque[Step] = deque()  # after those: what the end asks for
        self._tries = 0
        self._resume: dict[str, Any] | None = None  # the record, where the run was interrupted
        self._there: set[tuple[str, int]] = set()  # points that the store has
        self._stride, self._unending = 1, False
        self._batch = Batch()  # to be sent
        self._unsent = Batch()  # what is to be sent with the end, should it be none
        self._looked: int | None = None  # the epoch of the last look whose metrics are sent
        self._skipped: dict[str, Any] | None = None  # the last one, where it was not to be sent
        self._by_update = ByUpdate()

    def advance(self, *, last: bool, hurry: bool) -> None:
        """Do what there is to do; `last`: nothing more comes; `hurry`: only the status counts."""
        if not self._alone():
            if hurry:
                self.error = "another process is still bringing this run into MLflow"
                self._finish()
            return
        if not self._ended:
            self._read()
        if last and not self._ended:
            self._ended = True
            self._closing.append(lambda: self.store.close_abandoned(self.run_id, self.folder))
        if hurry:
            self._hasten()
        self._carry_out(final=hurry)
        if self._ended and not self._steps and not self._closing:
            self._finish()

    def _hasten(self) -> None:
        """Give up all steps but the last, which sets the status."""
        self._steps = deque([*self._steps, *self._closing][-1:])
        self._closing.clear()
        self.error = self.error or "the store did not take everything in time"

    def _carry_out(self, *, final: bool) -> None:
        while (steps := self._steps or self._closing) and self._try(steps, final=final):
            pass

    def _alone(self) -> bool:
        """Whether no other process follows this run."""
        if self._hold is None:
            try:
                self._hold = Hold(self.folder, FEED)
            except BlockingIOError:
                return False
            except OSError:
                pass  # nothing can be written there, and nobody else will
        return True

    def _try(self, steps: deque[Step], *, final: bool) -> bool:
        """Carry out the first step; False where it is to be tried again later."""
        try:
            if self._tries and self.run_id:
                self._there = self.store.points(self.run_id)
            steps[0]()
        except Exception as error:
            self._tries += 1
            if self._tries < TRIES and not final:
                return False
            self.error = self.error or self._told(error)
        self._tries = 0
        steps.popleft()
        return True

    def leave(self) -> None:
        """Follow it no more: another feeder does."""
        self.done = True
        if self._hold is not None:
            self._hold.let_go()

    def _finish(self) -> None:
        self.done = True
        if self._hold is not None:
            self._hold.let_go(remove=True)
        error = {"error": self.error} if self.error else {}
        self._say(folder=str(self.folder), done=True, **error)

    def _read(self) -> None:
        try:
            for record in self.reader.new():
                getattr(self, f"_plan_{record['kind']}")(record)
        except (OSError, JournalError) as error:
            self.error = self.error or self._told(error)
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
        self.run_id = self._found(record) or self.store.create_run(record)
        ids = {"run_id": self.run_id, "experiment_id": self.store.experiment_id}
        (self.folder / "mlflow.json").write_text(json.dumps(ids) + "\n")
        self._say(folder=str(self.folder), **ids)

    def _found(self, record: dict[str, Any]) -> str | None:
        """Give the run that there is already, open again; None where nothing was sent before."""
        before = self._again or self._resume is not None
        if not before and not self._tries:
            return None
        run_id = self.store.find_run(record["tags"].get("gdexp.journal", ""))
        if run_id is not None and before:
            self.store.reopen_run(run_id, self._resume or _process(record))
            self._there = self.store.points(run_id)
        return run_id

    def _plan_resume(self, record: dict[str, Any]) -> None:
        """Forget the end that was none."""
        if self._closing:
            self._batch, self._unsent = self._unsent, Batch()
            self._closing.clear()
        self._ended, self._resume = False, record
        if self.run_id:
            self._steps.append(lambda: self._reopen(record))

    def _reopen(self, record: dict[str, Any]) -> None:
        self.store.reopen_run(self.run_id, record)
        self._there = self.store.points(self.run_id)

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
        for point in self._by_update.take(epoch):
            self._add(point)

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
            self._steps.append(lambda: self._send(batch))

    def _send(self, batch: Batch) -> None:
        """Send what the store does not have of it."""
        points: list[Point] = [
            (time, step, {n: v for n, v in metrics.items() if (n, step) not in self._there})
            for time, step, metrics in batch.points
        ]
        self.store.log(self.run_id, Batch(batch.params, points, batch.tags))

    def _plan_end(self, record: dict[str, Any]) -> None:
        if record["status"] == "FINISHED":  # a curve ends where the run ended, and only there
            for point in [self._skipped, *self._by_update.last()]:
                if point is not None:
                    self._add(point)
        self._ended, self._unsent, self._batch = True, self._batch, Batch()
        once, tags = (record["time"], 0, record["metrics"]), record["tags"]
        last = Batch(self._unsent.params, [*self._unsent.points, once], self._unsent.tags | tags)
        folder, model = self.folder, record["model"]
        self._closing.append(lambda: self._send(last))
        self._closing.append(lambda: self.store.log_journal(self.run_id, record, folder))
        if model:
            self._closing.append(lambda: self.store.log_model(self.run_id, folder / model))
        self._closing.append(lambda: self.store.close_run(self.run_id, record))


def _process(record: dict[str, Any]) -> dict[str, Any]:
    """Give of a start what a run that is opened again takes over."""
    names = ("gdexp.pid", "gdexp.host")
    return {"tags": {name: record["tags"][name] for name in names if name in record["tags"]}}
