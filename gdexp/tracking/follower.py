"""Brings one run's journal into the store, step by step, and gives no step up at once."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gdexp.tracking.batch import Batch, Point
from gdexp.tracking.curves import Curves
from gdexp.tracking.delivery import Delivery
from gdexp.tracking.hold import FEED, Hold
from gdexp.tracking.jobs import ends
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.journal import JournalError, Reader, understood
from gdexp.tracking.outage import Link
from gdexp.tracking.steps import Steps
from gdexp.tracking.tracked import Tracked, tracked

AT_ONCE = 40  # points in time that go into one batch
DELETED = "deleted in MLflow"


class Follower:
    """Follows one run.

    What is to be done lies in a queue of steps, of which the last one of all sets the status.

    Each point is sent once. Where something may have been sent before, by an earlier feeder, or by
    a step of which nobody knows whether the store has taken it, the store is asked what it has. At
    most one feeder at a time follows a run.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    link : Link
        The store, and who is told.
    again : bool
        Whether the store may have the run already.
    parent : str
        The id of the sweep's run, where it is a job of one.
    """

    def __init__(self, folder: Path, link: Link, *, again: bool = False, parent: str = "") -> None:
        self.folder, self.link = folder, link
        self.reader = Reader(folder)
        self.run_id, self._parent, self._again = "", parent, again
        self.done = False
        self._ended, self._behind = False, True
        self._error = ""  # why not all of it is tracked
        self._left = ""  # why the store is left as it is
        self._hold: Hold | None = None
        self._blocked = False
        self.steps = Steps(link, lambda: self._delivery.ask(self.run_id))
        self._made_twice = False  # possibly: an answer was lost
        self._resume: dict[str, Any] | None = None  # the record, where the run was interrupted
        self._start_tags: dict[str, str] = {}
        self._curves, self._delivery = Curves(), Delivery(link)
        self._batch = Batch()  # to be sent
        self._unsent = Batch()  # what is to be sent with the end, should it be none

    @property
    def store(self) -> Any:
        """The store, opened."""
        return self.link.store

    def advance(self, *, last: bool, hurry: bool) -> None:
        """Do what there is to do; `last`: nothing more comes; `hurry`: only the status counts."""
        if self._waits(hurry=hurry):
            return
        if not hurry:
            self._go_through()
        if last and not (self._ended or self._behind):
            self._ended = True
            self.steps.close(self._abandon)
        if hurry:
            self._hasten()
        self.steps.carry_out(closing=not self._behind, final=hurry)
        self._stop_without_run()
        if self._ended and not self._behind and not self.steps:
            self._finish()

    @property
    def waiting(self) -> bool:
        """Whether another process is still at it."""
        return self._blocked

    def _waits(self, *, hurry: bool) -> bool:
        """Say whether nothing can be done now; in a hurry it never will."""
        self._blocked = not self._alone()
        if self._blocked:
            if hurry:
                self._error = "another process is still bringing this run into MLflow"
                self._finish()
            return True
        return self.done or (self.link.down and not hurry)

    def _alone(self) -> bool:
        """Whether no other process follows this run."""
        if self._hold is None:
            try:
                self._hold = Hold(self.folder, FEED)
            except BlockingIOError:
                return False
            except OSError:
                pass  # nothing can be written there, and nobody else will
            self._look_again()
        return True

    def _look_again(self) -> None:
        """Leave out a run that another process has brought in meanwhile."""
        noted = tracked(self.folder) if self._again else None
        here = noted is not None and noted.store in ("", self.store.shown)
        if noted is not None and here and noted.whole(self.folder):
            self.run_id = noted.run_id
            self._finish()

    def _go_through(self) -> None:
        """Read what the journal has, and carry it out, a limited number of steps at a time."""
        self._behind |= not self._ended
        while self._behind and not self.steps.full:
            self._read()
            self.steps.carry_out(closing=False)

    def _hasten(self) -> None:
        """Leave out all but the status."""
        self._error = self._error or self.link.why or "the store did not take everything in time"
        self.steps.clear()
        self._ended, self._behind = True, False
        end = ends(self.folder)[1]
        if self.run_id:
            self.steps.close(
                (lambda: self.store.close_run(self.run_id, end)) if end else self._abandon
            )

    def _abandon(self) -> None:
        self._delete_doubles()
        self.store.close_abandoned(self.run_id, self.folder)

    def leave(self) -> None:
        """Follow it no more: another feeder does."""
        self.done = True
        if self._hold is not None:
            self._hold.let_go()

    def _finish(self) -> None:
        self.done = True
        if self._hold is not None:
            self._hold.let_go(remove=True)
        told = {"error": self._error or self.steps.error, "left": self._left}
        told = {name: why for name, why in told.items() if why}
        noted = tracked(self.folder)
        if noted is not None and not told and self.reader.at:
            # Where a second run may be under way, an answer to which was lost, a later look is to
            # find it.
            complete = None if self._made_twice else self.reader.at
            replace(noted, complete=complete).write(self.folder)
        self.link.say(folder=str(self.folder), done=True, **self._delivery.counts, **told)

    def _read(self) -> None:
        """Read on; of a journal that is damaged, nothing more is touched in the store."""
        try:
            with understood(self.folder):
                for record in self.reader.new():
                    getattr(self, f"_plan_{record['kind']}")(record)
                    if self.steps.full:
                        return
            self._behind = False
        except JournalError as error:
            self._stop(error=self.link.told(error))
            return
        except OSError as error:
            self._error, self._behind = self._error or self.link.told(error), False
        self._plan_batch()

    def _stop_without_run(self) -> None:
        """Bring nothing, where the store refuses to have the run at all."""
        if self.steps.error and not self.run_id and not self._left:
            self._stop(error=self.steps.error)

    def _stop(self, *, error: str = "", left: str = "") -> None:
        """Bring nothing more of this run."""
        self._error, self._left = error, left
        self.steps.clear()
        self._batch = Batch()
        self._ended, self._behind = True, False

    def _plan_start(self, record: dict[str, Any]) -> None:
        self._curves.begin(record)
        self._start_tags = record["tags"]
        self.steps.add(lambda: self._create(record))
        self.steps.add(lambda: self.store.describe_data(self.run_id, record["datasets"]))
        self._batch.params |= record["params"]
        for name in record["artifacts"]:
            self.steps.add(partial(self._log_file, name))

    def _create(self, record: dict[str, Any]) -> None:
        if self._parent:
            record = {**record, "tags": {**record["tags"], "mlflow.parentRunId": self._parent}}
        self._made_twice |= self.steps.unsure
        found = self._found(record)
        if self._left:
            return
        self.run_id = found or self.store.create_run(record)
        self.steps.begun, self.steps.unsure = True, found is not None
        ids = {"run_id": self.run_id, "experiment_id": self.store.experiment_id}
        where = {"store": self.store.shown, "experiment": self.store.experiment}
        Tracked(**ids, **where).write(self.folder)
        self.link.say(folder=str(self.folder), **ids)

    def _found(self, record: dict[str, Any]) -> str | None:
        """Give the run that there is already; None where nothing was sent before."""
        if not (self._again or self.steps.unsure or self._resume):
            return None
        noted = tracked(self.folder)
        run_id: str | None = self.store.find_run(record["tags"], noted.run_id if noted else "")
        if run_id is None:
            if self._again and self.store.find_run(record["tags"], "", deleted=True):
                self._stop(left=DELETED)
            return None
        if self._resume is not None or (self._again and self._closed_otherwise(run_id)):
            self.store.reopen_run(run_id, self._resume or _process(record))
        return run_id

    def _closed_otherwise(self, run_id: str) -> bool:
        """Say whether a run is not what it is going to be, such as RUNNING, or taken for killed."""
        going_to_be: str = ends(self.folder)[1].get("status", "KILLED")
        return bool(self.store.status(run_id) != going_to_be)

    def _plan_resume(self, record: dict[str, Any]) -> None:
        """Forget the end that was none."""
        if self.steps.closing:
            self._batch, self._unsent = self._unsent, Batch()
            self.steps.stay_open()
        self._ended, self._resume = False, record
        if self.run_id:
            self.steps.add(lambda: self._reopen(record))

    def _reopen(self, record: dict[str, Any]) -> None:
        self.store.reopen_run(self.run_id, record)
        self.steps.unsure = True

    def _plan_epoch(self, epoch: dict[str, Any]) -> None:
        self._add(self._curves.epoch(epoch))

    def _plan_updates(self, record: dict[str, Any]) -> None:
        self._add(self._curves.updates(record))

    def _plan_look(self, look: dict[str, Any]) -> None:
        self._add(self._curves.look(look))
        if look["artifacts"]:
            files = look["artifacts"]
            self.steps.add(lambda: self.store.log_found(self.run_id, files, self.folder))

    def _add(self, points: Iterable[Point]) -> None:
        """Put points among what is to be sent."""
        for point in points:
            if len(self._batch.points) >= AT_ONCE:
                self._plan_batch()
            self._batch.points.append(point)

    def _plan_batch(self) -> None:
        """Plan to send what has come together."""
        if self._batch:
            batch, self._batch = self._batch, Batch()
            self.steps.add(lambda: self._delivery.send(self.run_id, batch))

    def _plan_end(self, record: dict[str, Any]) -> None:
        if record["status"] == "FINISHED":
            self._add(self._curves.last())
        self._ended, self._unsent, self._batch = True, self._batch, Batch()
        once, tags = (record["time"], 0, record["metrics"]), record["tags"]
        last = Batch(self._unsent.params, [*self._unsent.points, once], self._unsent.tags | tags)
        folder, model = self.folder, record["model"]
        self.steps.close(lambda: self._delivery.send(self.run_id, last))
        for name in [*record["artifacts"], JOURNAL]:
            self.steps.close(partial(self._log_file, name))
        if model:
            self.steps.close(lambda: self.store.log_model(self.run_id, folder / model))
        self.steps.close(lambda: self._close(record))

    def _log_file(self, name: str) -> None:
        self.store.log_files(self.run_id, [name], self.folder)

    def _close(self, record: dict[str, Any]) -> None:
        self._delete_doubles()
        self.store.close_run(self.run_id, record)

    def _delete_doubles(self) -> None:
        """See that the store has no other run that was made from this journal."""
        if self._again or self._made_twice:
            self.store.delete_doubles(self.run_id, self._start_tags)


def _process(record: dict[str, Any]) -> dict[str, Any]:
    """Give of a start what a run that is opened again takes over."""
    names = ("gdexp.pid", "gdexp.pid_began", "gdexp.host")
    return {"tags": {name: record["tags"][name] for name in names if name in record["tags"]}}
