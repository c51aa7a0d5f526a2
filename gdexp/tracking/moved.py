"""A SQLite store that was moved: its artifacts' places, which it names in full, are named anew.

MLflow writes absolute URIs into the database, and looks nowhere else. Artifacts of ours lie in
``artifacts/EXPERIMENT`` in the outputs folder, mostly beside the database. Where such a folder is
there, and the place that the store names for it is another, the store was moved with it.
"""

import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = "artifacts"
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Move:
    """Artifacts of an experiment that are elsewhere now.

    Parameters
    ----------
    old, new : Path
    uri : str
        The old place, as the store names it.
    """

    old: Path
    new: Path
    uri: str


def moves(database: Path, outputs: Iterable[Path] = ()) -> list[Move]:
    """Find out which experiments' artifacts were moved, or copied, with the store.

    Parameters
    ----------
    database : Path
    outputs : iterable of Path
        Where they may be, too, beside the folder of the database.

    Raises
    ------
    sqlite3.Error
        Where it cannot be read.
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        asked = "SELECT artifact_location FROM experiments WHERE artifact_location LIKE 'file:///%'"
        uris = [str(uri) for (uri,) in connection.execute(asked)]
    places = dict.fromkeys([database.parent, *outputs])
    found = (_move(uri, place / FOLDER) for uri in uris for place in places)
    return [move for move in found if move is not None]


def _move(uri: str, place: Path) -> Move | None:
    """Give the move of an experiment's artifacts into a folder, where they are in it."""
    old = Path(urllib.request.url2pathname(urllib.parse.urlsplit(uri).path))
    new = place / old.name
    if old.parent.name != FOLDER or old.name in ("", "..") or not new.is_dir():
        return None
    return None if old.exists() and old.samefile(new) else Move(old, new, uri)


def mend(database: Path, moved: Sequence[Move]) -> int:
    """Name the new places in the store, all or none.

    Returns
    -------
    int
        How many runs have one.

    Raises
    ------
    sqlite3.Error
        Where it cannot be written.
    """
    runs = 0
    with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        for move in moved:
            for table, column in COLUMNS:
                if column in _columns(connection, table):
                    count = _rename(connection, table, column, move)
                    runs += count if table == "runs" else 0
    return runs


def follow(database: Path) -> int:
    """Name the new places of what was moved and is no longer where it was; give their number.

    A copy is left alone: what it names is still there, and may be meant. So is a store that is no
    store yet, or cannot be written: who needs its artifacts is told that they are not there.
    """
    with suppress(sqlite3.Error):
        if database.exists() and (gone := [m for m in moves(database) if not m.old.exists()]):
            return mend(database, gone)
    return 0


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _rename(connection: sqlite3.Connection, table: str, column: str, move: Move) -> int:
    """Put the new place for the old one, where a URI is that, or lies in it."""
    asked = (
        f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
        f"WHERE {column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/'"
    )
    new = f"{move.new.parent.as_uri()}/{move.uri.rpartition('/')[2]}"  # spelled as it was
    return connection.execute(asked, {"old": move.uri, "new": new}).rowcount
