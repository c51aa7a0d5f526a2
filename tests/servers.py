"""A real MLflow server, on PostgreSQL where that is installed, which can be killed and started."""

import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
NOBODY = "postgres"  # PostgreSQL does not run as root


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
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                cwd=self._folder,
                env={**os.environ, **QUIET},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        until(lambda: healthy(self.url), 120)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
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
def postgres() -> Iterator[str | None]:
    """Give the URI of an empty database, for as long as it is used; None where there is none."""
    initdb, server = shutil.which("initdb"), shutil.which("postgres")
    if not (initdb and server and importlib.util.find_spec("psycopg")):
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="gdexp-postgres-"))  # which others may go through
    user = {"user": NOBODY} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, NOBODY)
    port, data = free_port(), str(folder / "data")
    made = [initdb, "-D", data, "-U", "gdexp", "--no-sync", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **user)  # type: ignore[call-overload]
    words = [server, "-D", data, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
    log = (folder / "log").open("w")
    process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, **user)  # type: ignore[call-overload]
    try:
        until(lambda: _answers(port))
        yield f"postgresql+psycopg://gdexp@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # which ends it at once, in order
        process.wait()
        log.close()
        shutil.rmtree(folder)


def _answers(port: int) -> bool:
    import psycopg

    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(f"postgresql://gdexp@127.0.0.1:{port}/postgres", connect_timeout=2),
    ):
        return True
    return False


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Give a server."""
    with postgres() as database:
        found = Server(folder, database or "sqlite:///s.db")
        try:
            yield found
        finally:
            found.kill()
