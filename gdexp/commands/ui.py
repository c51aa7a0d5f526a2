"""python -m gdexp ui: the runs in the MLflow UI, opened on a comparison.

It serves until Ctrl-C, and prints the URL of the page as soon as it answers; those of the other
pages follow.
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gdexp import signals
from gdexp.commands.pages import FIRST, PAGES, PLAIN, ask, show, tell
from gdexp.commands.words import STORE, outputs_of, tracking_of
from gdexp.errors import GdexpError, SettingError
from gdexp.tracking.moved import follow
from gdexp.tracking.settings import Tracking, masked

HOST, PORT = "127.0.0.1", 5000
PATIENCE = 120.0  # seconds that a server may take to start
SETTINGS = ("view", "port", *STORE)
ABOUT = {
    "view=compare": "the curves of all runs, by epoch, updates, examples and seconds (default)",
    "view=table": "the same runs as a table of settings and results",
    "view=seeds": "runs that differ in their seeds alone drawn as one: mean, least, greatest",
    "view=sweep": "runs of sweeps by their settings: parallel coordinates, contours, bars",
    "view=plain": "MLflow's own page",
    "port=5000": "by default the first free one from 5000 on",
    "outputs=FOLDER": "the outputs folder whose store is served",
    "tracking.uri=URI": "another store; for a server that runs already, only the URLs are printed",
    "tracking.experiment=NAME": "another experiment",
}


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C, and print the URL as soon as it answers; gives the exit status.

    Parameters
    ----------
    words : sequence of str
        ``view=...``, ``port=...``, ``outputs=...``, ``tracking.uri=...``,
        ``tracking.experiment=...``.

    Raises
    ------
    GdexpError
        Where a word is none of these, there is no store, the port is taken, or the server fails.
    """
    if {"-h", "--help"} & set(words):
        print(f"{__doc__}\n  python -m gdexp ui [SETTING=VALUE ...]\n")
        print(*(f"  {name:<24} {about}" for name, about in ABOUT.items()), sep="\n")
        print("\nExample\n  python -m gdexp ui view=sweep port=5001")
        return 0
    given = _settings(words)
    outputs, tracking = outputs_of(given), _checked(tracking_of(given))
    view = _view(given.get("view", FIRST))
    if str(tracking.uri).startswith("http"):
        show(str(tracking.uri).rstrip("/"), tracking.experiment, view)
        return 0
    return _serve(tracking, _port(given.get("port")), outputs / "ui.log", view)


def _settings(words: Sequence[str]) -> dict[str, str]:
    given = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in SETTINGS or not value:
            raise GdexpError(f"ui: {word!r} is not a setting of it. Write {'=, '.join(SETTINGS)}=.")
        given[name] = value
    return given


def _checked(tracking: Tracking) -> Tracking:
    tracking.check()
    if tracking.database is not None:
        follow(tracking.database)
    if tracking.database is not None and not tracking.database.exists():
        raise GdexpError(
            f"ui: there is no store at {tracking.database} yet. "
            "Run an experiment first: python -m gdexp"
        )
    if str(tracking.uri).startswith("databricks"):
        raise GdexpError(f"tracking.uri: {tracking.shown} has a site of its own. Open that.")
    return tracking


def _view(given: str) -> str:
    if given not in (*PAGES, PLAIN):
        raise SettingError("view", f"{', '.join(PAGES)} or {PLAIN}", given, FIRST)
    return given


def _port(given: str | None) -> int:
    """Give the port that is asked for, or the first free one from 5000 on."""
    if given is None:
        free = (str(port) for port in range(PORT, PORT + 100) if not _refusal(port))
        given = next(free, str(PORT))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise SettingError("port", "a whole number from 1 to 65535", given, str(PORT))
    if why := _refusal(int(given)):
        raise GdexpError(f"port: cannot listen on {given} ({why}). Name another one, or none.")
    return int(given)


def _refusal(port: int) -> str | None:
    """Say why the port cannot be had; None where it can."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return None


def _serve(tracking: Tracking, port: int, log: Path, view: str) -> int:
    tell(f"Opening {tracking.shown} ...")
    asked: list[int] = []  # signals to end; as mere notes they disturb neither start nor end
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN:  # by `nohup`
            signal.signal(each, lambda number, frame: asked.append(number))
    signals.raise_kept()
    server = _Server(tracking, port, log)
    try:
        until, shown = time.monotonic() + PATIENCE, False
        while not asked and server.alive() and (shown or time.monotonic() < until):
            if not shown and server.answers():
                show(server.url, tracking.experiment, view)
                tell("Ctrl-C stops it.")
                shown = True
            time.sleep(0.2)
        if not asked:
            raise GdexpError(f"ui: the MLflow server {server.trouble()} ({log} has all its words)")
    finally:
        server.stop()
    return 0 if asked[0] == signal.SIGINT else 128 + asked[0]


class _Server:
    """An MLflow server on this machine, whose words are appended to the log."""

    def __init__(self, tracking: Tracking, port: int, log: Path) -> None:
        self.url, self._log = f"http://{HOST}:{port}", log
        command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)]
        command += ["--artifacts-destination", str(log.parent / "artifacts")]
        settings = {
            "MLFLOW_BACKEND_STORE_URI": str(tracking.uri),  # argv would show its password
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            output = log.open("ab")
        except OSError as error:
            raise GdexpError(f"outputs: cannot write {log} ({error.strerror}).") from None
        with output:
            self._said_before = output.tell()
            self._process = subprocess.Popen(
                [*command, "--workers", "1"],
                env={**os.environ, **settings},
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C comes to us alone, and we stop all of it
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def alive(self) -> bool:
        """Whether the server's first process is there."""
        return self._process.poll() is None

    def answers(self) -> bool:
        """Whether it serves."""
        with suppress(OSError, ValueError):
            return ask(f"{self.url}/health", timeout=2) == b"OK"
        return False

    def trouble(self) -> str:
        """Say why it does not serve: the last error in its words."""
        if self.alive():
            return f"does not answer after {PATIENCE:g} s"
        said = self._log.read_bytes()[self._said_before :].decode(errors="replace")
        errors = re.findall(r"^(?:[\w.]*(?:Error|Exception)|.* ERROR): +(.+)", said, re.MULTILINE)
        return f"has ended: {masked(errors[-1])[:300]}" if errors else "has ended"

    def stop(self) -> None:
        """End it and the processes that it started: they share its group."""
        for each in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, each)
                self._process.wait(10)


def _end_with_parent() -> None:
    """Have Linux end this process when its parent ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
