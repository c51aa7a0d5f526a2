"""``python -m gdexp sync``: what MLflow does not have yet is brought in, from the journals."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gdexp import signals
from gdexp.commands.syncing import Batch, Todo, sorted_out
from gdexp.commands.words import STORE, Parser, outputs_of, tracking_of
from gdexp.errors import GdexpError
from gdexp.result import plural
from gdexp.terminal import counting, near
from gdexp.tracking import Fed, Feeder, backlog

ABOUT = """\
Brings into MLflow what it does not have yet, from the journals in the output
folders: runs that ended while the store was away, and those whose feeder was
killed. Each point comes to be there once, and each run, however often this is
done and whatever was interrupted when.

Runs that MLflow has already as they are in their journals are passed over,
which takes no time; --all asks the store about them, too.

  python -m gdexp sync
  python -m gdexp sync outputs/sweeps/2026-11-24/15-47-02-627537
  python -m gdexp sync --off outputs/runs/2026-11-24
"""
MORE = f"""\
Settings of the store: {"=..., ".join(STORE)}=...
By default each run goes where it was to go. tracking.uri names another store
for those that are in none.

Exit status: 0 where all that can be brought in is there; 1 where something is
not, such as a damaged journal.
"""
LOOK = 0.1  # seconds between two looks at how far it is
TOLD = 10.0  # seconds between two lines about it


class Tally(NamedTuple):
    """What came of it."""

    fed: dict[Path, Fed]
    errors: list[str]


def main(words: Sequence[str]) -> int:
    """Carry out the command; gives the exit status.

    Raises
    ------
    GdexpError
        Where there is no such folder, or the settings of the store cannot be.
    """
    parser = Parser("sync", ABOUT)
    parser.add_argument(
        "path", nargs="?", metavar="FOLDER", help="of a run, a sweep, or many (the outputs folder)"
    )
    parser.add_argument("--all", action="store_true", help="also those that are there already")
    parser.add_argument("--off", action="store_true", help="also runs with tracking=off")
    parser.epilog = MORE
    given = parser.read(words)
    tracking_of(given.store)  # which refuses what cannot be
    outputs = outputs_of(given.store)
    path = Path(given.path).expanduser().absolute() if given.path else outputs
    if given.path and not path.is_dir():
        raise GdexpError(f"sync: {path} is no folder. Name that of a run, of a sweep, or of many.")
    try:
        found = backlog.entries(path) if path.is_dir() else []
    except OSError as error:
        raise GdexpError(f"sync: cannot read {error.filename} ({error.strerror}).") from None
    todo = sorted_out(found, given, outputs)
    with signals.raised():
        tallies = [_bring(batch) for batch in todo.batches]
    return _tell(todo, tallies, path)


def _bring(batch: Batch) -> Tally:
    """Bring runs into one store."""
    try:
        batch.tracking.check()
    except GdexpError as error:
        return Tally({}, [str(error)])
    feeder = Feeder(batch.tracking, batch.outputs)
    for entry, parent in batch.entries:
        feeder.feed(entry.folder, sweep=entry.sweep, again=True, parent=parent)
    feeder.leave()
    try:
        _watch(feeder, sum(1 + len(entry.jobs) for entry, _ in batch.entries))
    except BaseException:
        feeder.stop()
        raise
    feeder.finish()
    return Tally(feeder.runs, [feeder.error] if feeder.error else [])


def _watch(feeder: Feeder, count: int) -> None:
    """Show how far it is, until all is done or given up."""
    said = time.monotonic()
    with counting(count, "runs") as show:
        while feeder.listening:
            done = sum(fed.done for fed in feeder.runs.copy().values())
            show(done)
            if time.monotonic() - said > TOLD:
                said = time.monotonic()
                waiting = f"; waiting: {feeder.away}" if feeder.away else ""
                print(f"{done:,} of {plural(count, 'run')}{waiting}", file=sys.stderr, flush=True)
            time.sleep(LOOK)


def _tell(todo: Todo, tallies: Sequence[Tally], path: Path) -> int:
    """Tell what came of it; gives the exit status."""
    fed = {folder: each for tally in tallies for folder, each in tally.fed.items()}
    for word in todo.words:
        print(word, file=sys.stderr)
    errors = list(todo.damaged)
    errors += [f"{near(folder)}: {each.error}" for folder, each in fed.items() if each.error]
    errors += [error for tally in tallies for error in tally.errors]
    left = [*todo.left, *((folder, each.left) for folder, each in fed.items() if each.left)]
    for why, count in Counter(why for _, why in left).items():
        places = [near(folder) for folder, each in left if each == why]
        more = f" and {count - 1:,} more" if count > 1 else ""
        print(f"left     {places[0]}{more}: {why}")
    if todo.off:
        print(f"left     {plural(todo.off, 'run')} with tracking=off; --off brings them in, too")
    for error in errors:
        print(f"not tracked: {error}", file=sys.stderr)
    done = [each for each in fed.values() if each.done and not each.error and not each.left]
    if done or todo.whole:
        print(_summary(done, todo.whole))
    elif not (errors or left or todo.off):
        print(f"nothing to bring in: {path}")
    return int(bool(errors))


def _summary(done: Sequence[Fed], whole: int) -> str:
    """Count the runs that were brought in and those that were there, and their points."""
    new = [each for each in done if each.points]
    there, same = sum(each.there for each in done), whole + len(done) - len(new)
    had = f"{plural(same, 'run')} had all" if same else ""
    if not new:
        return f"tracked  {had} already"
    told = f"tracked  {plural(len(new), 'run')} brought up to date: "
    told += f"{plural(sum(each.points for each in new), 'point')} sent"
    told += f", {there:,} already there" if there else ""
    return told + (f"; {had} already" if had else "")
