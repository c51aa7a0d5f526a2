"""An MLflow server as a process of ours, which ends with us."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from gdexp import signals
from gdexp.errors import GdexpError, SettingError
from gdexp.tracking.asking import ask
from gdexp.tracking.settings import masked

HOST, PORT = "127.0.0.1", 5000
EVERYWHERE = {"0.0.0.0": HOST, "::": "::1"}  # and where such a server is reached from here
LOOPBACK = (HOST, "localhost", "::1")
PATIENCE = 120.0  # seconds that a server may take to start
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class MlflowServer:
    """An MLflow server on this machine, whose words are appended to a log.

    Parameters
    ----------
    words : sequence of str
        Of ``mlflow server``, but for the next two.
    host, port
        Where it listens.
    log : Path
    env : mapping of str to str
        What is not to be seen among the words of a process, such as a database's URI; empty:
        not set for it.
    authority : Path, optional
        Certificate of who signed its own, where it has one.

    Raises
    ------
    OSError
        Where the log cannot be written.
    """

    def __init__(
        self,
        words: Sequence[str],
        host: str,
        port: int,
        log: Path,
        env: Mapping[str, str],
        authority: Path | None = None,
    ) -> None:
        scheme, reached = "https" if authority else "http", EVERYWHERE.get(host, host)
        self.url = f"{scheme}://{_bracketed(reached)}:{port}"
        self.log, self._authority = log, authority
        command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
        environment = {name: value for name, value in os.environ.items() if env.get(name) != ""}
        environment |= {**QUIET, **{name: value for name, value in env.items() if value}}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._said_before = output.tell()
            self.process = subprocess.Popen(
                [*command, *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C comes to us alone, and we stop all of it
                preexec_fn=end_with_parent(signal.SIGTERM),
            )

    def alive(self) -> bool:
        """Whether the server's first process is there."""
        return self.process.poll() is None

    def answers(self) -> bool:
        """Whether it serves."""
        with suppress(OSError, ValueError, HTTPException):
            health = f"{self.url}/health"
            return ask(health, timeout=2, signed=False, authority=self._authority) == b"OK"
        return False

    def trouble(self) -> str:
        """Say why it does not serve: the last error in its words."""
        if self.alive():
            return f"does not answer after {PATIENCE:g} s"
        said = self.log.read_bytes()[self._said_before :].decode(errors="replace")
        errors = re.findall(r"^(?:[\w.]*(?:Error|Exception)|.* ERROR): +(.+)", said, re.MULTILINE)
        return f"has ended: {masked(errors[-1])[:300]}" if errors else "has ended"

    def stop(self) -> None:
        """End it and the processes that it started: they share its group."""
        for each in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self.process.pid, each)
                self.process.wait(10)


def watch(
    server: MlflowServer, asked: Sequence[int], shown: Callable[[], None], command: str
) -> None:
    """Wait until somebody asks for the end; `shown` is called as soon as the server answers.

    Parameters
    ----------
    server : MlflowServer
    asked : sequence of int
        The signals so far: see `noted`.
    shown : callable
    command : str
        Whose error it is, where there is one.

    Raises
    ------
    GdexpError
        Where it does not come to answer, or ends by itself.
    """
    until, serves = time.monotonic() + PATIENCE, False
    while not asked and server.alive() and (serves or time.monotonic() < until):
        if not serves and server.answers():
            shown()
            serves = True
        time.sleep(0.2)
    if not asked:
        told = f"{command}: the MLflow server {server.trouble()}"
        raise GdexpError(f"{told} ({server.log} has all its words)")


@contextmanager
def noted() -> Iterator[list[int]]:
    """Note signals to end in a list: as mere notes they disturb neither a start nor an end."""
    asked: list[int] = []
    before = {}
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN:  # by `nohup`
            before[each] = signal.signal(each, lambda number, frame: asked.append(number))
    try:
        signals.raise_kept()
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def status(asked: Sequence[int]) -> int:
    """Give the exit status of a command that was asked to end."""
    return 0 if asked[0] == signal.SIGINT else 128 + asked[0]


def chosen_port(given: str | None, host: str = HOST) -> int:
    """Give the port that is asked for, or the first free one from 5000 on.

    Raises
    ------
    GdexpError
        Where it is none, or cannot be had.
    """
    if given is None:
        free = (str(port) for port in range(PORT, PORT + 100) if not _refusal(host, port))
        given = next(free, str(PORT))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise SettingError("port", "a whole number from 1 to 65535", given, str(PORT))
    if why := _refusal(host, int(given)):
        where = given if host == HOST else f"{given} of {host}"
        raise GdexpError(f"port: cannot listen on {where} ({why}). Name another one, or none.")
    return int(given)


def checked_host(given: str) -> str:
    """Give a host where this machine can listen.

    Raises
    ------
    SettingError
        Where it is none of its own.
    """
    try:
        socket.create_server((given, 0), family=_family(given)).close()
    except OSError as error:
        allowed = "a name or an address of this machine, or 0.0.0.0 for all of them"
        why = str(error.strerror).partition(" (")[0]
        raise SettingError("host", allowed, given, HOST, f"The system says: {why}.") from None
    return given


def _refusal(host: str, port: int) -> str | None:
    """Say why the port cannot be had; None where it can."""
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def end_with_parent(number: int) -> Callable[[], None] | None:
    """Give what has Linux end a new process when its parent ends, even by SIGKILL."""
    if sys.platform != "linux":
        return None

    def ask_for_it() -> None:
        ctypes.CDLL(None).prctl(1, number)

    return ask_for_it
