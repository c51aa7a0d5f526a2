"""The feeding process: ``python -m gdexp.tracking.feed``, started by `feeder.Feeder`."""

import gc
import json
import os
import queue
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.tracking.journal import Reader
from gdexp.tracking.settings import masked

if TYPE_CHECKING:
    from gdexp.tracking.store import Store

TICK = 1.0  # seconds between two looks at the journals: metrics go in batches by time
MOST_POINTS = 320  # of a curve: MLflow's page draws no more, and the journal has them all


class Follower:
    """Brings one run's journal into the store, as far as it is written.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    store : Store
    """

    def __init__(self, folder: Path, store: "Store") -> None:
        self.folder, self.store, self.reader = folder, store, Reader(folder)
        self.run_id: str | None = None
        self.done = False
        self._stride = 1
        self._waiting: list[dict[str, Any]] = []  # epochs to send
        self._skipped: dict[str, Any] | None = None  # the last one, where it was not to be sent

    def advance(self) -> None:
        """Send what is new."""
        for record in self.reader.new():
            if record["kind"] == "start":
                self._start(record)
            elif record["kind"] == "epoch":
                self._take(record)
            elif record["kind"] == "end":
                self._end(record)
        self._send()

    def _take(self, epoch: dict[str, Any]) -> None:
        """Choose evenly spaced epochs, such that a curve has at most `MOST_POINTS`."""
        if epoch["epoch"] % self._stride:
            self._skipped = epoch
        else:
            self._waiting.append(epoch)
            self._skipped = None

    def abandon(self) -> None:
        """Close a run whose process is gone without a word."""
        if self.run_id is not None and not self.done:
            self.store.close_abandoned(self.run_id, self.folder)
            self.done = True
            say(folder=str(self.folder), done=True)

    def _start(self, record: dict[str, Any]) -> None:
        self.run_id = self.store.create_run(record, self.folder)
        self._stride = max(1, -(-record["epochs"] // (MOST_POINTS - 2)))
        ids = {"run_id": self.run_id, "experiment_id": self.store.experiment_id}
        (self.folder / "mlflow.json").write_text(json.dumps(ids) + "\n")
        say(folder=str(self.folder), **ids)

    def _send(self) -> None:
        if self.run_id is not None and self._waiting:
            self.store.log_epochs(self.run_id, self._waiting)
            self._waiting = []

    def _end(self, record: dict[str, Any]) -> None:
        assert self.run_id is not None
        if self._skipped is not None:
            self._waiting.append(self._skipped)  # a curve ends where the run ended
        self._send()
        self.store.end_run(self.run_id, record, self.folder)
        self.done = True
        say(folder=str(self.folder), done=True)


_answers = sys.stdout  # what libraries print goes elsewhere: see `main`


def say(**what: Any) -> None:
    """Tell the command; it may be gone, and that is no reason to stop."""
    with suppress(BrokenPipeError):
        print(json.dumps(what), file=_answers, flush=True)


def told(error: Exception) -> str:
    """Say an error in one line, and whole in the log; neither shows a password."""
    print(masked(traceback.format_exc()), file=sys.stderr, flush=True)
    return masked(" ".join(str(error).split()))


def advance(follower: Follower, *, last: bool) -> bool:
    """Move one run along; False where it failed, which is said and takes no other run with it."""
    try:
        follower.advance()
        if last:
            follower.abandon()
    except Exception as error:
        say(folder=str(follower.folder), error=told(error))
        return False
    return True


def follow(store: "Store", orders: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    """Follow all journals that are ordered, until the orders end and all is brought in."""
    followers: list[Follower] = []
    last = False
    while not last:
        try:
            order = orders.get(timeout=TICK)
            last = order is None
            if order is not None:
                followers.append(Follower(Path(order["folder"]), store))
        except queue.Empty:
            pass
        if last or orders.empty():
            followers = [f for f in followers if advance(f, last=last) and not f.done]


def main() -> None:
    """Open the store and follow what standard input orders, until it ends."""
    sys.stdout = sys.stderr
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    target = json.loads(sys.stdin.readline())
    threading.Thread(target=listen, args=(orders,), daemon=True).start()
    gc.disable()  # importing mlflow makes a million objects that stay: collecting finds nothing
    try:
        from gdexp.tracking.store import Store

        store = Store(**target)
    except Exception as error:
        say(error=f"the store cannot be opened: {told(error)}")
        sys.exit(1)
    gc.enable()
    gc.freeze()
    follow(store, orders)
    sys.stderr.flush()
    os._exit(0)  # all is committed; taking mlflow's modules apart would cost 0.7 s


def listen(orders: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    """Pass on the orders; None says that there are no more."""
    for line in sys.stdin:
        orders.put(json.loads(line))
    orders.put(None)


if __name__ == "__main__":
    main()
