"""Whose a sweep is: at most one command at a time carries it out, wherever it was started from."""

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gdexp.errors import GdexpError
from gdexp.process import alive
from gdexp.result import plural
from gdexp.sweeps import kept
from gdexp.sweeps.plan import Plan
from gdexp.tracking.hold import RUN, Hold, held, holder, patiently
from gdexp.tracking.journal import DAMAGE

STARTS = "starts.lock"  # beside the sweeps: who looks for one, or begins one
UNFINISHED = "unfinished."  # and a digest of its jobs and its store: a file of a sweep
PATIENCE = 30.0  # seconds that workers of a command that was killed, or another start, may take


@contextmanager
def one_start(outputs: Path) -> Iterator[None]:
    """Have no other command begin a sweep in this folder of outputs, or take one up, meanwhile."""
    place = outputs / "sweeps"
    place.mkdir(parents=True, exist_ok=True)
    try:
        hold = patiently(place, STARTS, PATIENCE)
    except BlockingIOError:
        told = f"{place / STARTS}: is held for {PATIENCE:.0f} s; another command hangs."
        raise GdexpError(told) from None
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
    try:
        hold = patiently(folder, RUN, PATIENCE, lambda: not holder_lives(folder))
    except BlockingIOError:
        raise GdexpError(told(folder)) from None
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


def mark(plan: Plan) -> None:
    """Mark a sweep as unfinished, by a file whose name says which jobs it has."""
    unmark(plan.folder)
    (plan.folder / _mark(plan)).touch()


def unmark(folder: Path) -> None:
    """Take a sweep for finished, or for none."""
    for file in folder.glob(f"{UNFINISHED}*"):
        file.unlink(missing_ok=True)


def unfinished(plan: Plan) -> Path | None:
    """Give the folder of the latest sweep of just these jobs that was interrupted, if any.

    Raises
    ------
    GdexpError
        Where another command is carrying one out.
    """
    found = [each.parent for each in (_outputs(plan) / "sweeps").glob(f"*/*/{_mark(plan)}")]
    for folder in found:
        if held(folder, RUN):
            raise GdexpError(told(folder))
    return max(found, default=None)


def _mark(plan: Plan) -> str:
    return mark_of([job.key for job in plan.jobs], kept.shown(plan.jobs[0].tracking))


def mark_of(keys: Iterable[str], tracking: Mapping[str, Any]) -> str:
    """Name the file that marks a sweep of these jobs, which goes to this store, as unfinished."""
    told = json.dumps([sorted(keys), tracking], sort_keys=True)
    return UNFINISHED + hashlib.sha256(told.encode()).hexdigest()[:16]


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


def holder_lives(folder: Path) -> bool:
    """Say whether the process that holds a sweep goes on; its workers outlive it for a moment."""
    try:
        told = json.loads(holder(folder, RUN))
        if told["host"] != socket.gethostname():
            return True
        return alive(int(told["pid"]))
    except DAMAGE:
        return False  # nothing is written yet, or no more
