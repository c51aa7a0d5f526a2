"""``python -m gdexp resume``: goes on with a run, or a sweep, that was interrupted."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gdexp import recorded, signals
from gdexp.commands import resume_sweep
from gdexp.commands.words import Parser, open_reader, outputs_of, tracking_of
from gdexp.complain import complaint
from gdexp.descent import Arriving
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted, interrupted
from gdexp.request import Request
from gdexp.session import Session
from gdexp.stored import find_one
from gdexp.task import Task
from gdexp.tracking.environment import code
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME
from gdexp.tracking.settings import Tracking
from gdexp.tracking.tracked import tracked

ABOUT = """\
Goes on with a run that was interrupted: by Ctrl-C, SIGTERM, SIGKILL, a reboot, a full disk. The
finished run is, bit for bit, the one that it would have been; in MLflow it is the same run.

It goes on from the last checkpoint (checkpoint.seconds says how often there is one), with the
settings that the run began with. What was logged after that checkpoint is computed once more, and
compared with what was logged.

Of a sweep, named by its folder, its id, or the id or name of its run in MLflow, the jobs that are
finished stay as they are; those that were interrupted go on from their checkpoints; the others are
run. Jobs that failed are run again with --retry-failed. Settings of the launcher may be others.

  python -m gdexp resume latest
  python -m gdexp resume outputs/runs/2026-11-24/15-47-02-627537
  python -m gdexp resume outputs/sweeps/2026-11-26/13-05-12-104211 launcher.workers=2
"""


def main(words: Sequence[str]) -> int:
    """Carry out the command.

    Raises
    ------
    GdexpError
        Where there is no such run, or it cannot go on.
    """
    given = _parser().read(words)
    if (sweep := resume_sweep.named(given.run, outputs_of(given.store))) is not None:
        return resume_sweep.resume(sweep, given)
    if given.settings or given.retry_failed:
        word = given.settings[0] if given.settings else "--retry-failed"
        raise GdexpError(f"{word}: is of sweeps, and {given.run} is none. Leave it out.")
    folder = _folder(given)
    session, hold = Session(), _hold(folder)
    try:
        with signals.raised():
            left = _left(folder, hold, force=given.force)
            request = _request(folder, left, given)
            print(_told(left), file=sys.stderr, flush=True)
            Task(session).run(request, _outputs(request, given), left)
    except OSError as error:
        raise GdexpError(complaint(error, words, folder)) from None
    finally:
        hold.let_go()
        with signals.raised():
            complete = session.close()
    return int(not complete)


def _parser() -> Parser:
    """Give what reads the words."""
    parser = Parser("resume", ABOUT).with_store()
    parser.add_argument(
        "run", metavar="RUN or SWEEP", help="its output folder, its id, its name, or latest"
    )
    parser.add_argument(
        "settings", nargs="*", metavar="SETTING=VALUE", help="of a sweep: those of its launcher"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="also with other code, or from another machine; the bits may then be others",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="of a sweep: run jobs again that failed"
    )
    return parser


def _folder(given: argparse.Namespace) -> Path:
    """Find the output folder of the run that is meant."""
    path = Path(given.run).expanduser()
    if (path / NAME).is_file():
        return path.absolute()
    if path.is_dir():
        raise GdexpError(f"{path}: this folder holds no run (no {NAME}). Name the folder of one.")
    if os.sep in given.run:
        raise GdexpError(f"{path}: there is no such folder. Name the output folder of a run.")
    reader, experiment = open_reader(given)
    run = find_one(reader, given.run, experiment)
    outputs = outputs_of(given.store)
    for file in [*outputs.glob("runs/*/*/mlflow.json"), *outputs.glob("sweeps/*/*/*/mlflow.json")]:
        noted = tracked(file.parent)
        if noted is not None and noted.run_id == run.id:
            return file.parent
    raise GdexpError(f"run {run.id[:8]}: its folder is not in {outputs}. Name the folder instead.")


def _hold(folder: Path) -> Hold:
    try:
        return Hold(folder, RUN)
    except BlockingIOError:
        told = f"{folder}: this run is still going on, in another process."
    except OSError as error:
        told = f"{folder}: cannot be written to ({error.strerror}). Make it writable."
    raise GdexpError(told)


def _left(folder: Path, hold: Hold, *, force: bool) -> Interrupted:
    """Read what a run left, and see whether it can go on."""
    left = interrupted(folder, hold)
    if left.last["kind"] == "end" and left.last["status"] == "FINISHED":
        hold.let_go(remove=True)
        raise GdexpError(f"{folder}: this run is finished; there is nothing to resume.")
    if not force:
        _check_host(left)
        _check_code(left)
    left.forced = force
    return left


def _check_host(left: Interrupted) -> None:
    """Refuse a run that may be going on where this machine does not see it."""
    host = left.process["gdexp.host"]
    if left.last["kind"] != "end" and host != socket.gethostname():
        raise GdexpError(
            f"{left.folder}: this run was begun on the machine {host}, and may be going on there. "
            "Where it is not, go on with --force."
        )


def _check_code(left: Interrupted) -> None:
    then, now = left.start.get("code"), code()
    if then is None:
        raise GdexpError(
            f"{left.folder}: this run was begun by a version of gdexp that could not resume."
        )
    other = [name for name in now if now[name] != then.get(name)]
    if other:
        told = ", ".join(f"{name} {then.get(name, 'none')} is now {now[name]}" for name in other)
        raise GdexpError(
            f"{left.folder}: the code is not that which the run began with ({told}). "
            "Bring that back, or go on with --force; the run may then be another one."
        )


def _request(folder: Path, left: Interrupted, given: argparse.Namespace) -> Request:
    request = recorded.request(folder, left.start)
    if isinstance(request.experiment.optimizer, Arriving):
        raise GdexpError(
            f"{folder}: a run on a stream cannot be resumed: what it learnt from is gone. "
            "Start it again."
        )
    tracking = _tracking(request.experiment.tracking, given)
    return replace(request, experiment=replace(request.experiment, tracking=tracking))


def _tracking(recorded: Tracking, given: argparse.Namespace) -> Tracking:
    """Give the store of the run: that of its record, or the one that is named now."""
    if recorded.uri is None:
        return recorded
    named = "tracking.uri" in given.store or "outputs" in given.store
    secret = "***" in recorded.uri
    if not named and not secret:
        return recorded
    store = {"tracking.experiment": str(recorded.experiment), **given.store}
    found = tracking_of(store)
    if secret and not named and found.shown != recorded.uri:
        raise GdexpError(
            f"tracking.uri: the password of {recorded.uri} is kept nowhere. "
            "Write tracking.uri=URI, or set MLFLOW_TRACKING_URI."
        )
    return found


def _outputs(request: Request, given: argparse.Namespace) -> Path:
    """Give the folder of the feeder's log, and of a local store's artifacts."""
    named = "outputs" in given.store
    return outputs_of(given.store) if named else Path(str(request.config["outputs"]))


def _told(left: Interrupted) -> str:
    found = left.checkpoint
    where = f"epoch {found.facts['counts'][0]}" if found else "the start: there is no checkpoint"
    last = max((row["epoch"] for row in left.records), default=0)
    again = f"; up to epoch {last} it is compared with what was logged" if left.ahead() else ""
    return "\n".join([*left.words, f"going on from {where}{again}"])
