"""A job that was interrupted, taken up where it is carried out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gdexp import recorded
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted, interrupted
from gdexp.request import Request
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME

PATIENCE = 10.0  # seconds that a worker whose command was killed may take to end
PAUSE = 0.05  # between two looks


@contextmanager
def continued(request: Request) -> Iterator[tuple[Request, Interrupted | None]]:
    """Give what a job asks for, and what it left, where it is to go on; hold its folder inside.

    The engine is the one that the job began with, also where ``engine=auto`` had taken it.

    Raises
    ------
    GdexpError
        Where another process is still at it, or what it left cannot be read.
    """
    if not request.goes_on or not (request.output / NAME).is_file():
        yield request, None
        return
    hold = _hold(request.output)
    try:
        left = interrupted(request.output, hold)
        left.forced = request.forced
        yield request.with_engine(recorded.engine(left.start["config"])), left
    finally:
        hold.let_go()


def _hold(folder: Path) -> Hold:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return Hold(folder, RUN)
        except BlockingIOError:
            if time.monotonic() > end:
                told = f"{folder}: this run is still going on, in another process."
                raise GdexpError(told) from None
        time.sleep(PAUSE)
