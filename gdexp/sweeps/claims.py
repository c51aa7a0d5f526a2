"""Whose a sweep is: at most one command at a time carries it out, wherever it was started from."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.process import alive
from gdexp.result import plural
from gdexp.sweeps import kept
from gdexp.sweeps.planning import Plan
from gdexp.tracking.hold import RUN, Hold, held, holder
from gdexp.tracking.journal import DAMAGE

STARTS = "starts.lock"  # beside the sweeps: who looks for one, or begins one
PAUSE = 0.02  # seconds between two tries
PATIENCE = 30.0  # seconds that workers of a command that was killed, or another start, may take


@contextmanager
def one_start(outputs: Path) -> Iterator[None]:
    """Have no other command begin a sweep in this folder of outputs, or take one up, meanwhile."""
    place = outputs / "sweeps"
    place.mkdir(parents=True, exist_ok=True)
    hold = _patiently(place, STARTS, lambda: True)
    if hold is None:
        raise GdexpError(f"{place / STARTS}: is held for {PATIENCE:.0f} s; another command hangs.")
    try:
        yield
    finally:
        hold.let_go(remove=True)
        with suppress(OSError):  # where there are sweeps
            place.rmdir()


def take(folder: Path) -> Hold:
    """Take a sweep for this process and its workers.

    Raises
    ------
    GdexpError
        Where another process has it, saying which.
    """
    hold = _patiently(folder, RUN, lambda: not holder_lives(folder))
    if hold is None:
        raise GdexpError(told(folder))
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%H:%M:%S")}
    hold.tell(json.dumps(who))
    return hold


def told(folder: Path) -> str:
    """Say who has a sweep."""
    try:
        who = json.loads(holder(folder, RUN))
        named = f"process {who['pid']} on {who['host']}, since {who['since']}"
    except DAMAGE:
        named = "another process"
    return (
        f"{folder}: these jobs are being carried out by {named}. Let it end; to have more "
        "workers, end it with Ctrl-C, and resume with launcher.workers=N."
    )


def going(plan: Plan) -> Path | None:
    """Give the folder of a sweep of just these jobs that another command is carrying out."""
    wanted = {job.key for job in plan.jobs}
    for folder, head in _sweeps(plan):
        if set(head.keys) == wanted and held(folder, RUN):
            return folder
    return None


def left(plan: Plan) -> Path:
    """Find the sweep that a command means which asks for these jobs.

    That is, of the sweeps in the same outputs and store all of whose jobs are asked for, the one
    with the most; of several the latest.

    Raises
    ------
    GdexpError
        Where there is none.
    """
    wanted = {job.key for job in plan.jobs}
    found: list[tuple[int, str, Path]] = []
    others: list[tuple[str, Path, int]] = []
    for folder, head in _sweeps(plan):
        keys = set(head.keys)
        when = "_".join(folder.parts[-2:])
        if keys <= wanted:
            found.append((len(keys), when, folder))
        elif keys & wanted:
            others.append((when, folder, len(keys - wanted)))
    if found:
        return max(found)[2]
    place = _outputs(plan) / "sweeps"
    if others:
        _, folder, count = max(others)
        raise GdexpError(
            f"sweep.resume=true: {folder} has {plural(count, 'job')} that this command does not "
            f"ask for. Ask for all of them, or write python -m gdexp resume {folder}"
        )
    raise GdexpError(
        f"sweep.resume=true: there is no sweep of these jobs in {place} that goes to this store. "
        "Leave it out to begin one, or name one: python -m gdexp resume SWEEP"
    )


def _sweeps(plan: Plan) -> Iterator[tuple[Path, kept.Head]]:
    """Give the sweeps that have a plan, and go to the same store."""
    where = kept.shown(plan.jobs[0].tracking)
    folders = {file.parent for file in (_outputs(plan) / "sweeps").glob(f"*/*/{kept.NAME}")}
    for folder in sorted({*folders, plan.folder}):
        head = kept.head(folder)
        if head is not None and head.tracking == where:
            yield folder, head


def _outputs(plan: Plan) -> Path:
    return Path(plan.jobs[0].outputs).absolute()


def _patiently(folder: Path, name: str, goes_on: Callable[[], bool]) -> Hold | None:
    """Take a hold, or wait for it as long as that makes sense."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return Hold(folder, name)
        except BlockingIOError:
            if time.monotonic() > end or not goes_on():
                return None
        time.sleep(PAUSE)


def holder_lives(folder: Path) -> bool:
    """Say whether the process that holds a sweep goes on; its workers outlive it for a moment."""
    try:
        told = json.loads(holder(folder, RUN))
        if told["host"] != socket.gethostname():
            return True
        return alive(int(told["pid"]))
    except DAMAGE:
        return False  # nothing is written yet, or no more
