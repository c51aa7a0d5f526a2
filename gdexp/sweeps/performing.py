"""One job of a sweep in a worker: trained, recorded, and told to the command."""

import math
import pickle
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from gdexp import signals
from gdexp.closing import record_refusal
from gdexp.complain import complaint
from gdexp.descent import Epoch
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted
from gdexp.record import Record
from gdexp.request import Request
from gdexp.sweeps.taking_up import continued
from gdexp.sweeps.workers import Tell
from gdexp.training import Pruned, Watch, train

REFUSALS = (GdexpError, OSError, OmegaConfBaseException)
PAUSE = 0.1  # seconds between two epochs that are told


def perform(packed: bytes, tell: Tell, *, judged: bool = False) -> tuple[float, str]:
    """Carry out a job, whose request is pickled: see `performed`."""
    return performed(pickle.loads(packed), tell, ask=tell.ask if judged else None)


def performed(
    request: Request,
    tell: Callable[[Any], object],
    left: Interrupted | None = None,
    ask: Callable[[Any], Any] | None = None,
) -> tuple[float, str]:
    """Carry out a job.

    Parameters
    ----------
    request : Request
    tell : callable
        Takes the number of an epoch, how many there will be (None where nobody knows), its cost.
    left : Interrupted, optional
        What it left when it was interrupted, where that is known already.
    ask : callable, optional
        Is asked after each epoch but the last why not to go on; takes the number of the epoch, the
        merit so far, the cost.

    Returns
    -------
    merit : float
        For a sweeper to maximise; NaN where the job failed, or was not gone on with.
    mistake : str
        What went wrong, if anything did; it is recorded then.
    """
    try:
        known = nullcontext((request, left)) if left is not None else continued(request)
        with signals.raised(), known as (taken, left):
            taken.output.mkdir(parents=True, exist_ok=True)
            return train(taken, lambda record: _watching(record, tell, ask), left).merit, ""
    except Pruned:
        return math.nan, ""
    except REFUSALS as error:
        told = line = complaint(error, request.overrides, request.output)
    except Exception as error:
        line = f"failed: {type(error).__name__}: {error}"
        told = f"{traceback.format_exc()}{line}"
    with suppress(OSError):  # where there is a record already, it tells the same
        record_refusal(request, line)
    return math.nan, told


def _watching(
    record: Record, tell: Callable[[Any], object], ask: Callable[[Any], Any] | None
) -> Watch:
    reports, last = record.request.experiment.reports, -PAUSE

    def watch(epoch: Epoch) -> None:
        nonlocal last
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            tell((epoch.number, reports, epoch.cost))
        if ask is not None and epoch.number not in (0, reports) and not epoch.ended:
            measure = epoch.parts[epoch.judged]
            why = ask((epoch.number, epoch.merit, measure.cost / measure.n))
            if why:
                raise Pruned(why)

    return watch
