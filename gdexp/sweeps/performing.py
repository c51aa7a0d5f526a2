"""One job of a sweep in a worker: trained, recorded, and told to the command."""

import math
import pickle
import time
import traceback
from contextlib import suppress

from omegaconf.errors import OmegaConfBaseException

from gdexp import signals
from gdexp.closing import record_refusal
from gdexp.complain import complaint
from gdexp.descent import Epoch
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted
from gdexp.record import Record
from gdexp.request import Request
from gdexp.sweeps.workers import Tell
from gdexp.training import Watch, train

REFUSALS = (GdexpError, OSError, OmegaConfBaseException)
PAUSE = 0.1  # seconds between two epochs that are told


def perform(packed: bytes, tell: Tell) -> tuple[float, str]:
    """Carry out a job, whose request is pickled: see `performed`."""
    return performed(pickle.loads(packed), tell)


def performed(request: Request, tell: Tell, left: Interrupted | None = None) -> tuple[float, str]:
    """Carry out a job.

    Parameters
    ----------
    request : Request
    tell : callable
        Takes the number of an epoch, how many there will be (None where nobody knows), its cost.
    left : Interrupted, optional
        What it left when it was interrupted, where it goes on.

    Returns
    -------
    merit : float
        For a sweeper to maximise; NaN where the job failed.
    mistake : str
        What went wrong, if anything did; it is recorded then.
    """
    try:
        with signals.raised():
            request.output.mkdir(parents=True, exist_ok=True)
            return train(request, lambda record: _watching(record, tell), left).merit, ""
    except REFUSALS as error:
        told = line = complaint(error, request.overrides, request.output)
    except Exception as error:
        line = f"failed: {type(error).__name__}: {error}"
        told = f"{traceback.format_exc()}{line}"
    with suppress(OSError):  # where there is a record already, it tells the same
        record_refusal(request, line)
    return math.nan, told


def _watching(record: Record, tell: Tell) -> Watch:
    reports, last = record.request.experiment.reports, -PAUSE

    def watch(epoch: Epoch) -> None:
        nonlocal last
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            tell((epoch.number, reports, epoch.cost))

    return watch
