"""A real MLflow server, on PostgreSQL where that is installed, which can be killed and started."""

import os
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from gdexp.errors import GdexpError
from gdexp.serving import Postgres
from gdexp.serving.process import QUIET
from tests import nursery


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not happen in time"
        signal.sigtimedwait([], 0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def healthy(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url + "/health", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


class Server:
    """An MLflow server, which keeps its store and its port when it is started again."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self.database = folder, database
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()
        self.wait()

    def start(self) -> None:
        words = ["server", "--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        words += ["--backend-store-uri", self.database, "--artifacts-destination", "artifacts"]
        with (self._folder / "server.log").open("a") as log:
            command, env = [sys.executable, "-m", "mlflow", *words], {**os.environ, **QUIET}
            self._process = nursery.fork_mlflow(command, env=env, stdout=log, cwd=self._folder)

    def wait(self) -> None:
        until(lambda: healthy(self.url), 120)

    def kill(self) -> None:
        answers = nursery.serving(self._process.pid)
        self._process.kill()
        if answers:
            with suppress(ProcessLookupError):
                os.kill(answers, signal.SIGKILL)
        self._process.wait()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask its database."""
        if self.database.startswith("sqlite"):
            path = self._folder / self.database.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as connection:
                return connection.execute(query).fetchall()
        import psycopg

        with psycopg.connect(self.database.replace("+psycopg", "")) as postgres:
            return postgres.execute(query.encode()).fetchall()


@contextmanager
def passable() -> Iterator[Path]:
    """Give a folder that other users may go through: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="gdexp-tests-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgres() -> Iterator[str | None]:
    """Give the URI of an empty database, for as long as it is used; None where there is none."""
    with passable() as folder:
        try:
            found = Postgres(folder / "postgres", durable=False)
        except GdexpError:  # not installed
            yield None
            return
        found.start()
        try:
            yield found.uri
        finally:
            found.stop()


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Give a server."""
    with postgres() as database:
        found = Server(folder, database or "sqlite:///s.db")
        try:
            yield found
        finally:
            found.kill()
