"""A job that was interrupted, taken up where it is carried out."""

from collections.abc import Iterator
from contextlib import contextmanager

from gdexp import recorded
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted, interrupted
from gdexp.request import Request
from gdexp.tracking.hold import RUN, patiently
from gdexp.tracking.journal import NAME

PATIENCE = 10.0  # seconds that a worker whose command was killed may take to end


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
    try:
        hold = patiently(request.output, RUN, PATIENCE)
    except BlockingIOError:
        told = f"{request.output}: this run is still going on, in another process."
        raise GdexpError(told) from None
    try:
        left = interrupted(request.output, hold)
        left.forced = request.forced
        yield request.with_engine(recorded.engine(left.start["config"])), left
    finally:
        hold.let_go()
