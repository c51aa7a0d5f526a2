"""What of the journals found is to be brought in, and into which store."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gdexp.commands.words import tracking_of
from gdexp.errors import GdexpError
from gdexp.tracking import JournalError, Tracking, backlog
from gdexp.tracking.backlog import Entry
from gdexp.tracking.settings import SQLITE, masked
from gdexp.tracking.tracked import tracked

PLACES = ("runs", "sweeps", "replays")  # below the outputs folder


class LeftError(GdexpError):
    """Why a run is left as it is."""


class OffError(LeftError):
    """That it is not to be tracked."""


@dataclass(frozen=True)
class Batch:
    """What goes into one store: entries, each with the id of its sweep's run where it needs one."""

    tracking: Tracking
    outputs: Path
    entries: list[tuple[Entry, str]] = field(default_factory=list)


@dataclass
class Todo:
    """What is to be done, and what is not.

    Parameters
    ----------
    batches : list of Batch
    whole : int
        Runs that a store is known to have.
    off : int
        Runs with ``tracking=off``.
    left : list of (Path, str)
        Folders that are left alone, and why.
    damaged : list of str
    words : list of str
        What is to be told of damage that was dealt with.
    """

    batches: list[Batch] = field(default_factory=list)
    whole: int = 0
    off: int = 0
    left: list[tuple[Path, str]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def sorted_out(found: Sequence[Entry], given: argparse.Namespace, outputs: Path) -> Todo:
    """Sort journals by the store that they go to, and by why they go nowhere."""
    todo = Todo()
    places: dict[tuple[Tracking, Path], Batch] = {}
    for entry, parent in _readable(found, given, todo):
        home = _home(entry.folder) or outputs
        try:
            tracking = _target(entry, given, home)
        except OffError:
            todo.off += 1 + len(entry.jobs)
        except LeftError as why:
            todo.left.append((entry.folder, str(why)))
        else:
            batch = places.setdefault((tracking, home), Batch(tracking, home))
            batch.entries.append((entry, parent))
    todo.batches = [*places.values()]
    return todo


def _readable(
    found: Sequence[Entry], given: argparse.Namespace, todo: Todo
) -> list[tuple[Entry, str]]:
    """Give those that are to be brought in, and can be read, each with the id of its sweep's run.

    Of a sweep whose journal is damaged the jobs go on as runs.
    """
    readable: list[tuple[Entry, str]] = []
    waiting = [(entry, "") for entry in found]
    for entry, parent in waiting:
        if given.all:
            _forget(entry)
        if entry.whole:
            todo.whole += 1 + len(entry.jobs)
            continue
        if why := backlog.unfinished(entry):
            todo.left.append((entry.folder, why))
            continue
        try:
            told = backlog.mended(entry)
        except JournalError as error:
            todo.damaged.append(str(error))
            noted = tracked(entry.folder)
            waiting += [(job, noted.run_id if noted else "") for job in entry.jobs]
            continue
        except OSError as error:
            todo.damaged.append(f"{entry.folder}: cannot be read ({error.strerror})")
            continue
        todo.words += [told] if told else []
        if entry.start:
            readable.append((entry, parent))
    return readable


def _forget(entry: Entry) -> None:
    """Have the store asked what it has of an entry."""
    for each in (entry, *entry.jobs):
        if (noted := tracked(each.folder)) is not None:
            replace(noted, complete=None).write(each.folder)


def _home(folder: Path) -> Path | None:
    """Give the outputs folder in which a run lies."""
    return next((each.parent for each in folder.parents if each.name in PLACES), None)


def _target(entry: Entry, given: argparse.Namespace, home: Path) -> Tracking:
    """Give the store that a run goes to.

    Raises
    ------
    LeftError
        Where it goes to none.
    """
    recorded, noted = entry.tracking or {}, entry.noted
    uri, name = recorded.get("uri"), recorded.get("experiment")
    if noted is not None:
        uri, name = noted.store or uri, noted.experiment or name
    elif recorded and uri is None and not given.off:
        raise OffError
    uri = _here(str(uri), recorded, home) if uri else None
    store = {"outputs": str(home), **({"tracking.experiment": name} if name else {}), **given.store}
    if uri is not None and "tracking.uri" not in store:
        store["tracking.uri"] = _with_password(uri)
    found = tracking_of(store)
    if noted is not None and (found.shown, found.experiment) != (uri, name):
        raise LeftError(f"tracked elsewhere, in {uri}, experiment {name}")
    return found


def _here(uri: str, recorded: Mapping[str, Any], home: Path) -> str:
    """Give the URI of a store that went along where the outputs folder was moved."""
    usual = f"{SQLITE}{recorded.get('outputs')}/mlflow.db"
    return f"{SQLITE}{home}/mlflow.db" if uri == usual else uri


def _with_password(uri: str) -> str:
    """Give a URI with the password, which is kept nowhere but in the environment."""
    if "***" not in uri:
        return uri
    named = tracking_of({}).uri
    if masked(named) != uri:
        raise LeftError(
            f"the password of {uri} is kept nowhere: write tracking.uri=URI, "
            "or set MLFLOW_TRACKING_URI"
        )
    assert named is not None
    return named
