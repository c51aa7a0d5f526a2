"""Opens a store; a database that is new, or of an older MLflow, is made ready first.

Of several processes one at a time does: all others would fail.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as databases
from sqlalchemy import Engine, event

from gdexp.tracking import moved
from gdexp.tracking.settings import SQLITE


@contextmanager
def opened(uri: str, database: Path | None) -> Iterator[MlflowClient]:
    """Open a store, and keep others from opening a database while the context lasts.

    Parameters
    ----------
    uri : str
    database : Path or None
        The file of a SQLite store; None for any other.
    """
    if database is None:
        yield _open(uri)
        return
    event.listen(Engine, "connect", _log_ahead)
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{database}.lock"):
        moved.follow(database)
        with _whole_or_none(database):
            client = _open(uri)
        yield client


def close(client: MlflowClient, database: Path) -> None:
    """Leave a SQLite store as one file, as far as nobody else has it open."""
    engine = getattr(client._tracking_client.store, "engine", None)
    if engine is not None:
        engine.dispose()
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _log_ahead(connection: Any, record: Any) -> None:
    """Have SQLite append to a log: else each transaction waits for the disk, some 25 ms.

    A power cut may cost the last transactions, and never the database.
    """
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.OperationalError):  # not on every file system, nor while it is read
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def _whole_or_none(database: Path) -> Iterator[None]:
    """Leave no new database half made, as on a full disk: MLflow would never go on with it."""
    new = not database.exists()
    try:
        yield
    except BaseException:
        if new:
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            for engine in SqlAlchemyStore._engine_map.values():
                engine.dispose()
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{database}{suffix}").unlink(missing_ok=True)
        raise


def _open(uri: str) -> MlflowClient:
    """Open a store; the client does so at once, and makes the tables of a new database.

    MLflow would ask a database that is away ten times, for minutes: its caller knows how long.
    """
    if not uri.startswith(SQLITE):
        databases.MAX_RETRY_COUNT = 1
    try:
        return MlflowClient(tracking_uri=uri)
    except MlflowException as error:
        # A team's database is not ours to migrate; a file on this machine is.
        if not uri.startswith(SQLITE) or "out-of-date database schema" not in str(error):
            raise
        _migrate(uri)
        return MlflowClient(tracking_uri=uri)


def _migrate(uri: str) -> None:
    engine = databases.create_sqlalchemy_engine_with_retry(uri)  # type: ignore[no-untyped-call]
    databases._upgrade_db(engine)  # type: ignore[no-untyped-call]
