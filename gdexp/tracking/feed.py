"""The feeding process: ``python -m gdexp.tracking.feed``, started by `feeder.Feeder`."""

import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from gdexp.tracking import lean
from gdexp.tracking.follower import Follower
from gdexp.tracking.outage import Link, passing
from gdexp.tracking.refusal import refused
from gdexp.tracking.settings import Tracking, masked
from gdexp.tracking.sweep_follower import SweepFollower

TICK = 1.0  # seconds between two looks at the journals: metrics go in batches by time
BUSY = 0.05  # the same, once nothing more comes and there is still something to be brought
OPENING = 30.0  # seconds that opening a store may take, once nothing more comes
RIGHTS = 5.0  # seconds, at most, for rights that are refused: somebody would have to give them
UNOPENED = "the store could not be opened"

Orders = queue.SimpleQueue[dict[str, Any] | None]

_answers = sys.stdout  # what libraries print goes elsewhere: see `main`


def say(**what: Any) -> None:
    """Tell the command; it may be gone, and that is no reason to stop."""
    with suppress(BrokenPipeError):
        print(json.dumps(what), file=_answers, flush=True)


def told(error: BaseException) -> str:
    """Say an error in one line, and whole in the log; neither shows a password."""
    with suppress(OSError):  # the disk may be full, and that be the error
        print(masked(traceback.format_exc()), file=sys.stderr, flush=True)
    error = getattr(error, "shown", error)
    return masked(" ".join(str(error).partition("[SQL:")[0].split()))


class Feed:
    """Follows all journals that are ordered, until the orders end and all is brought in.

    Parameters
    ----------
    target : dict
        Of the store: as `Store` takes it.
    patience : float
        Seconds that a store which takes nothing has, once nothing more comes.
    """

    def __init__(self, target: dict[str, Any], patience: float) -> None:
        self._target, self._patience = target, patience
        self.orders: Orders = queue.SimpleQueue()
        self._followers: list[Follower] = []
        self._link = Link(None, say, self._told)
        self._closing: float | None = None  # since when nothing more comes

    def listen(self) -> None:
        """Pass on the orders; None says that there are no more."""
        for line in sys.stdin:
            self.orders.put(json.loads(line))
        self.orders.put(None)
        time.sleep(max(self._patience, OPENING))
        if self._link.store is None:  # a database may keep its caller waiting for minutes
            self._leave()

    def go(self) -> None:
        """Follow, until there is nothing left to be done.

        The store is opened for the first order, and made where there is none; what that takes is
        imported before, since a command may have its feeder before it knows what to do.
        """
        with suppress(Exception):  # which is told when the store is opened
            if self._place.database is None:
                self._place.check()  # while a server is away, nothing is taken from the training
            load(self._target["uri"])
        while self._closing is None or self._followers:
            more = self._take()
            if (self._closing is None and more) or not self._followers or not self._open():
                continue
            for follower in self._followers:
                self._advance(follower)
            self._followers = [each for each in self._followers if not each.done]
        if self._link.store is not None:
            self._link.store.close()

    @property
    def _place(self) -> Tracking:
        return Tracking(self._target["uri"], self._target["experiment"])

    def _told(self, error: BaseException) -> str:
        why, uri = told(error), self._target["uri"]
        words = refused(error, uri, self._target["experiment"])
        return f"{masked(uri)} {words}" if words else why

    @property
    def _late(self) -> bool:
        """Whether nothing has been taken for as long as there is patience."""
        if self._closing is None:
            return False
        now, since = time.monotonic(), max(self._closing, self._link.took_at)
        refused = self._link.refused
        return now - since > self._patience or (
            refused is not None and now - max(since, refused) > RIGHTS
        )

    def _take(self) -> bool:
        """Wait for an order, and take it; say whether there are more."""
        try:
            order = self.orders.get(timeout=TICK if self._closing is None else BUSY)
        except queue.Empty:
            return False
        if order is None:
            self._closing = time.monotonic()
        elif "folder" in order:  # else it is a nudge
            kind = SweepFollower if order["sweep"] else Follower
            more = {name: order[name] for name in ("again", "parent")}
            self._followers.append(kind(Path(order["folder"]), self._link, **more))
        return not self.orders.empty()

    def _advance(self, follower: Follower) -> None:
        hurry = self._late and (self._link.failing or follower.waiting)
        try:
            follower.advance(last=self._closing is not None, hurry=hurry)
        except Exception as error:  # such as a record of another version: the others go on
            follower.done = True
            say(folder=str(follower.folder), done=True, error=told(error))

    def _open(self) -> bool:
        """Open the store where it is not; False where it is away."""
        if self._link.store is None and not self._link.down:
            try:
                if self._place.database is None:
                    self._place.check()  # which costs nothing: importing MLflow takes seconds
                self._link.store = opened(self._target)
                self._link.took()
            except Exception as error:
                self._link.failed(self._told(error), refused=bool(refused(error)))
                if not passing(error):
                    self._leave()
        if self._link.store is None and self._late:
            self._leave()
        return self._link.store is not None

    def _leave(self) -> NoReturn:
        """End, since the store cannot be opened, now or later."""
        say(error=f"{UNOPENED}: {self._link.why or 'it did not answer'}")
        os._exit(1)


def opened(target: dict[str, Any]) -> Any:
    """Open the store."""
    with _uncollected(), lean.imports(target["uri"]):
        store = load(target["uri"])(**target)
        import gdexp.tracking.model  # noqa: F401 - wanted at the end, loaded while there is time
    return store


def load(uri: str) -> Any:
    """Import what brings anything into a store; gives the class."""
    with _uncollected(), lean.imports(uri):
        from gdexp.tracking.store import Store
    return Store


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage: importing mlflow makes a million objects, and all of them stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def main() -> None:
    """Follow what standard input orders, until it ends."""
    sys.stdout = sys.stderr
    target = json.loads(sys.stdin.readline())
    feed = Feed(target, target.pop("patience"))
    threading.Thread(target=feed.listen, daemon=True).start()
    feed.go()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(0)  # all is committed; taking mlflow's modules apart would cost 0.7 s


if __name__ == "__main__":
    main()
