"""A job on a worker of the cluster: trained in a folder of its own, which goes to the command."""

import pickle
import tempfile
import uuid
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from distributed import get_worker
from threadpoolctl import threadpool_limits

from gdexp import recorded
from gdexp.cluster.parcels import Answer, Order, gathered, packed, unpacked, write
from gdexp.cluster.reporting import Dropped, Reporter
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted, interrupted
from gdexp.request import Request
from gdexp.sweeps.performing import performed
from gdexp.tracking.environment import code
from gdexp.tracking.hold import RUN, Hold


class OtherCodeError(GdexpError):
    """A worker whose code is not the command's: what it computed would not be the sweep's."""


def carried_out(order: Order) -> Answer:
    """Carry out a job, or the rest of one whose worker was lost.

    Parameters
    ----------
    order : Order

    Raises
    ------
    OtherCodeError
        Where this worker would compute something else.
    RuntimeError
        Where nobody waits for the job any more.
    """
    worker = get_worker()
    _prepare()
    if _code() != order.code:
        raise OtherCodeError(
            f"the worker {worker.address} has other code of gdexp than this command. "
            "Install the same version on both."
        )
    attempt = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="gdexp-", dir=worker.local_directory) as name:
        folder = Path(name)
        request: Request = replace(pickle.loads(order.request), output=folder)
        reporter = Reporter(worker, order, attempt, folder)
        try:
            request, left = _left(request, order)
            reporter.begin()
            merit, mistake = performed(request, reporter.tell, left)
        except Dropped:
            raise RuntimeError("nobody waits for this job any more") from None
        except GdexpError as error:  # of what is left
            merit, mistake = float("nan"), str(error)
        return Answer(attempt, merit, mistake, packed(gathered(folder)))


def _left(request: Request, order: Order) -> tuple[Request, Interrupted | None]:
    """Give what the lost worker left, if anything; the engine that it took is taken again."""
    folder = request.output
    if not order.files:
        return request, None
    write(unpacked(order.files), folder)
    left = interrupted(folder, Hold(folder, RUN))
    engine = recorded.request(folder, left.start).experiment.engine
    return request.with_engine(engine), left


@cache
def _prepare() -> None:
    """Have one BLAS thread, as workers of one machine have: a job says itself if it wants more."""
    _kept.append(threadpool_limits(1))


@cache
def _code() -> str:
    return code()["sources"]


_kept: list[Any] = []
