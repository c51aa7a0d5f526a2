"""The store: whether it opens, is whole, is of this MLflow, and has its files."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gdexp.doctor.check import Check, Place
from gdexp.doctor.standing import FIX, shortened
from gdexp.errors import GdexpError
from gdexp.result import plural
from gdexp.stored import StoredRun, open_store
from gdexp.stored.files import local
from gdexp.tracking import moved

HEAD = re.compile(r"^(down_)?revision\b[^=]*= *[\"'](\w+)[\"']", re.M)
PATIENCE = 5.0  # seconds that a database may be locked


def opened(place: Place) -> tuple[Check, list[StoredRun]]:
    """Say whether a store opens, and give its runs."""
    tracking = place.tracking
    if tracking.database is not None and not tracking.database.exists():
        return Check("store", f"none yet at {tracking.database}"), []
    try:
        reader = open_store(tracking)
        experiments, runs = reader.experiments(), [*reader.runs()]
    except GdexpError as error:
        return Check("store", str(error), (), "mend that, or name another with tracking.uri="), []
    counts = f"{plural(len(runs), 'run')} in {plural(len(experiments), 'experiment')}"
    return Check("store", f"{tracking.shown}: {counts}"), runs


def sound(place: Place) -> Iterator[Check]:
    """Look into a database as a file, and at its schema."""
    path = place.tracking.database
    if path is None or not path.exists():
        return
    try:
        with closing(_read_only(path)) as database:
            yield _whole(database, path)
            yield _schema(database)
    except sqlite3.Error as error:
        yield Check("database", f"{path}: {error}", (), "restore it from a copy, or move it away")


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=PATIENCE)


def _whole(database: sqlite3.Connection, path: Path) -> Check:
    found = [line for (line,) in database.execute("PRAGMA integrity_check(20)")]
    if found == ["ok"]:
        return Check("database", f"whole, {size(path.stat().st_size)}")
    advice = f"restore it from a copy, or: sqlite3 {path} .recover | sqlite3 NEW.db"
    return Check("database", "damaged", shortened(found), advice)


def _schema(database: sqlite3.Connection) -> Check:
    (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    known, newest = revisions()
    if version == newest:
        return Check("schema", f"{version}, that of the installed MLflow")
    if version in known:
        return Check("schema", f"{version}, of an older MLflow; the next run brings it up to date")
    told = f"{version}, which the installed MLflow does not know"
    return Check("schema", told, (), "install the MLflow that made it, or a newer one")


@cache
def revisions() -> tuple[set[str], str]:
    """Give the schemas that the installed MLflow knows, and its own; MLflow is not loaded."""
    found = find_spec("mlflow")
    root = Path(str(found and found.origin)).parent / "store/db_migrations/versions"
    own: set[str] = set()
    before: set[str] = set()
    for file in root.glob("*.py"):
        for down, name in HEAD.findall(file.read_text(encoding="utf-8")):
            (before if down else own).add(name)
    return own, next(iter(own - before), "")


def artifacts(place: Place, runs: Sequence[StoredRun]) -> Check:
    """Say whether the files of runs are where the store says."""
    found = [(run, local(run)) for run in runs]
    here = [(run, folder) for run, folder in found if folder is not None]
    finished = (each for each in here if each[0].status == "FINISHED" and each[0].tag("kind"))
    gone = [(run, folder) for run, folder in finished if not folder.is_dir()]
    if not gone:
        afar = f", {len(found) - len(here)} on a server" if len(here) < len(found) else ""
        return Check("artifacts", f"{len(here)} folders are there{afar}")
    told = f"{len(gone)} of {len(here)} folders are not where the store says"
    lines = shortened([f"{run.id[:8]} {run.name}: {folder}" for run, folder in gone])
    return Check("artifacts", told, lines, "bring them back from a copy; journals have the figures")


def relocated(place: Place) -> Check | None:
    """Say whether the store was moved, or copied, and names the place where it was."""
    path = place.tracking.database
    if path is None or not path.exists():
        return None
    try:
        moves = moved.moves(path, [place.outputs])
    except sqlite3.Error:
        return None  # which is told of the database
    if not moves:
        return None
    lines = [f"{move.old} is now {move.new}" for move in moves]
    return Check("moved", "the store was moved, or copied", lines, f"{FIX} names the new place")


def untracked(place: Place, runs: Iterable[StoredRun]) -> Check:
    """Say which journals the store has not begun to have."""
    known = {run.tag("journal") for run in runs}
    missing = [
        each.folder
        for each in place.folders
        if each.journal and not each.run_id and each.journal not in known and not each.fed
        if _tracked_at(each.start) == place.tracking.shown and not each.trained
    ]
    if not missing:
        return Check("tracked", f"{plural(len(place.folders), 'journal')}, none left out")
    told = f"{plural(len(missing), 'journal')} not in the store"
    advice = f"python -m gdexp sync {place.outputs}"
    return Check("tracked", told, shortened([str(folder) for folder in missing]), advice)


def _tracked_at(start: Mapping[str, Any]) -> str | None:
    """Give the store that a run was to be tracked in, as its journal may show it."""
    try:
        return str((start.get("tracking") or start["config"]["tracking"])["uri"])
    except (KeyError, TypeError, AttributeError):
        return None


def size(count: float) -> str:
    """Write a number of bytes."""
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
