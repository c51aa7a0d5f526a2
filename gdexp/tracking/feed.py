"""The feeding process: ``python -m gdexp.tracking.feed``, started by `feeder.Feeder`."""

import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdexp.tracking.follower import Follower
from gdexp.tracking.settings import masked
from gdexp.tracking.sweep_follower import SweepFollower

if TYPE_CHECKING:
    from gdexp.tracking.store import Store

TICK = 1.0  # seconds between two looks at the journals: metrics go in batches by time
PATIENCE = 30.0  # seconds that the store has, once nothing more comes, before it is given up

_answers = sys.stdout  # what libraries print goes elsewhere: see `main`


def say(**what: Any) -> None:
    """Tell the command; it may be gone, and that is no reason to stop."""
    with suppress(BrokenPipeError):
        print(json.dumps(what), file=_answers, flush=True)


def told(error: Exception) -> str:
    """Say an error in one line, and whole in the log; neither shows a password."""
    with suppress(OSError):  # the disk may be full, and that be the error
        print(masked(traceback.format_exc()), file=sys.stderr, flush=True)
    return masked(" ".join(str(error).partition("[SQL:")[0].split()))


def follow(store: "Store", orders: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    """Follow all journals that are ordered, until the orders end and all is brought in."""
    followers: list[Follower] = []
    closing: float | None = None
    while closing is None or followers:
        try:
            order = orders.get(timeout=TICK)
            if order is None:
                closing = time.monotonic()
            elif "folder" in order:  # else it is a nudge
                kind = SweepFollower if order["sweep"] else Follower
                followers.append(kind(Path(order["folder"]), store, say, told))
        except queue.Empty:
            pass
        if closing is not None or orders.empty():
            late = closing is not None and time.monotonic() - closing > PATIENCE
            for follower in followers:
                follower.advance(last=closing is not None, hurry=late)
            followers = [follower for follower in followers if not follower.done]


def main() -> None:
    """Open the store and follow what standard input orders, until it ends."""
    sys.stdout = sys.stderr
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    target = json.loads(sys.stdin.readline())
    opened = threading.Event()
    threading.Thread(target=listen, args=(orders, opened), daemon=True).start()
    gc.disable()  # importing mlflow makes a million objects that stay: collecting finds nothing
    try:
        from gdexp.tracking.store import Store

        store = Store(**target)
        import gdexp.tracking.model  # noqa: F401 - wanted at the end, loaded while there is time
    except Exception as error:
        say(error=f"the store cannot be opened: {told(error)}")
        sys.exit(1)
    opened.set()
    gc.enable()
    gc.freeze()
    follow(store, orders)
    store.close()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(0)  # all is committed; taking mlflow's modules apart would cost 0.7 s


def listen(orders: "queue.SimpleQueue[dict[str, Any] | None]", opened: threading.Event) -> None:
    """Pass on the orders; None says that there are no more."""
    for line in sys.stdin:
        orders.put(json.loads(line))
    orders.put(None)
    if not opened.wait(PATIENCE):
        say(error=f"the store cannot be opened: it did not answer for {PATIENCE:.0f} s")
        os._exit(1)


if __name__ == "__main__":
    main()
