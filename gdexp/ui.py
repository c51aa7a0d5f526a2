"""``python -m gdexp ui``: the MLflow UI on this project's store."""

import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from json import load
from pathlib import Path

from gdexp import places
from gdexp.errors import GdexpError, SettingError
from gdexp.tracking.settings import SQLITE, Tracking

HOST = "127.0.0.1"
PORT = 5000
PATIENCE = 120.0  # seconds that a server may take to start


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C, and print the URL as soon as it answers.

    Parameters
    ----------
    words : sequence of str
        ``port=...``, ``tracking.uri=...``, ``tracking.experiment=...``, ``outputs=...``.

    Raises
    ------
    GdexpError
        Where a word is none of these, there is no store, or the port is taken.
    """
    if any(word in ("-h", "--help") for word in words):
        print(__doc__, "\n\n  python -m gdexp ui [port=5000] [tracking.uri=URI] [outputs=FOLDER]")
        return 0
    given = _settings(words)
    outputs = given.get("outputs", str(places.outputs()))
    uri = os.environ.get("MLFLOW_TRACKING_URI", f"{SQLITE}{Path(outputs).absolute()}/mlflow.db")
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", "gdexp")
    tracking = Tracking(
        given.get("tracking.uri", uri), given.get("tracking.experiment", experiment)
    )
    tracking.check()
    if tracking.uri is not None and tracking.uri.startswith("http"):
        print(f"{_page(tracking.uri, tracking.experiment)}   (this server has its own page)")
        return 0
    if tracking.database is not None and not tracking.database.exists():
        raise GdexpError(
            f"ui: there is no store at {tracking.database} yet. "
            "Run an experiment first: python -m gdexp"
        )
    return _serve(tracking, _port(given.get("port")))


def _settings(words: Sequence[str]) -> dict[str, str]:
    allowed = ("port", "tracking.uri", "tracking.experiment", "outputs")
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in allowed or not equals:
            raise GdexpError(f"ui: {word!r} is not a setting of it. Write {'=, '.join(allowed)}=.")
        given[name] = value
    return given


def _port(given: str | None) -> int:
    """Give the port that is asked for, or the first free one from 5000 on."""
    if given is None:
        return next(port for port in range(PORT, PORT + 100) if _free(port))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise SettingError("port", "a whole number from 1 to 65535", given, str(PORT))
    if not _free(int(given)):
        raise GdexpError(f"port: {given} is in use. Name another, or none to find a free one.")
    return int(given)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _serve(tracking: Tracking, port: int) -> int:
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    store = {"MLFLOW_BACKEND_STORE_URI": str(tracking.uri)}  # not in argv: it may hold a password
    print(f"Opening {tracking.shown} ...", flush=True)
    log = places.outputs() / "ui.log"
    with log.open("a") as output:
        server = subprocess.Popen(
            [*command, "--workers", "1"],
            env={**os.environ, **quiet, **store},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(server, port, log)
        url = _page(f"http://{HOST}:{port}", tracking.experiment)
        print(f"{url}\nCtrl-C stops it.", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)


def _await(server: "subprocess.Popen[bytes]", port: int, log: object) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=2):
            return
        time.sleep(0.2)
    raise GdexpError(f"ui: the MLflow server did not start; {log} has its words.")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server and the processes that it started: they share its group."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, 15)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, 9)


def _page(server: str, experiment: str | None) -> str:
    """Give the URL of the experiment's runs; of the server where there is no such experiment."""
    name = urllib.parse.quote(experiment or "")
    ask = f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}"
    try:
        with urllib.request.urlopen(ask, timeout=20) as answer:
            number = load(answer)["experiment"]["experiment_id"]
    except (OSError, KeyError, ValueError):
        return server
    return f"{server}/#/experiments/{number}/runs?workflowType=machine_learning"
