"""``python -m gdexp ui`` as a command: what it prints, what it refuses, and what it leaves."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gdexp.commands.ui import SETTINGS
from gdexp.views import MARK, missing
from tests.conftest import FOREIGN, command

mlflow_version = partial(version, "mlflow")

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds: of a slow, shared machine
# Of MLflow's own page: all runs out of their sweeps, the newest first.
FLAT = (
    "&searchFilter=tags.%60gdexp.kind%60%20%3D%20%27train%27"
    "&orderByKey=attributes.%60Created%60&orderByAsc=false"
)


@dataclass
class Page:
    """A page that is being served."""

    process: "subprocess.Popen[str]"
    url: str

    @property
    def server(self) -> str:
        return self.url.partition("/#/")[0]

    @property
    def port(self) -> int:
        return int(self.server.rpartition(":")[2])

    def ask(self, path: str, **content: Any) -> Any:
        """Ask the REST API; with content it is a POST."""
        request = urllib.request.Request(f"{self.server}/api/2.0/mlflow/{path}")
        if content:
            request.data = json.dumps(content).encode()
            request.add_header("Content-Type", "application/json")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal; give the exit status and what more was said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def started(outputs: Path, *words: str, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """Start ``python -m gdexp ui``, and end it where the test has not."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with subprocess.Popen(
        [sys.executable, "-m", "gdexp", "ui", *words],
        cwd=outputs.parent,
        env={**kept, "GDEXP_OUTPUTS": str(outputs), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()


@contextmanager
def serving(outputs: Path, *words: str, **env: str) -> Iterator[Page]:
    """Serve the page of `outputs`, from the moment that its URL is printed."""
    with started(outputs, *words, **env) as process:
        assert process.stdout is not None
        url = process.stdout.readline()
        assert url, process.communicate()[1]
        yield Page(process, url.strip())


def ask_for(outputs: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that ends by itself."""
    return command(*words, outputs=outputs, cwd=outputs.parent)


def eventually(true: Callable[[], bool], what: str) -> None:
    """Wait until it is true."""
    until, tick = time.monotonic() + PATIENCE, threading.Event()
    while not true():
        assert time.monotonic() < until, what
        tick.wait(0.05)


def processes(port: int) -> list[str]:
    """Give the processes that serve on the port, as their command lines tell it."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if f"--port {port} " in line]


def can_listen(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with one run in its store."""
    folder = tmp_path_factory.mktemp("ui") / "outputs"
    ran = ask_for(folder, "epochs=1", "batch=100")
    assert ran.returncode == 0, ran.stderr
    return folder


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Have a port taken: by us, where it is not."""
    ours = None
    with suppress(OSError):  # taken by something else: as good
        ours = socket.create_server((HOST, port))
    try:
        yield
    finally:
        if ours is not None:
            ours.close()


def test_it_opens_the_experiment_that_has_the_runs_until_ctrl_c(
    outputs: Path, tmp_path: Path
) -> None:
    """All on one server, which takes long to start; with what might be in its way."""
    elsewhere = tmp_path / "elsewhere"
    proxy = f"http://{HOST}:{free_port()}"  # where nobody answers
    with (
        taken(5000),  # the usual port
        serving(elsewhere, f"outputs={outputs}", http_proxy=proxy) as page,
    ):
        assert page.port != 5000
        runs = rf"http://{HOST}:\d+/#/experiments/(\d+)/runs\?workflowType=machine_learning"
        view = "&viewStateShareKey=gdexp-compare&compareRunsMode=CHART"
        found = re.fullmatch(runs + view, page.url)
        assert found
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(page.url) as answer:
            assert b"<title>MLflow</title>" in answer.read()
        runs = page.ask("runs/search", experiment_ids=[found[1]])["runs"]
        assert [run["info"]["run_name"] for run in runs] == ["sgd m=100 eta=3 s=0"]
        assert runs[0]["info"]["status"] == "FINISHED"
        assert not elsewhere.exists()
        assert "GET /health" in (outputs / "ui.log").read_text()
        its_address_leads_to_the_same_pages(outputs, page)
        views_of_an_older_store_are_saved(outputs, page, found[1])
        a_signal_ends_it_and_all_that_it_started(page)


def its_address_leads_to_the_same_pages(outputs: Path, page: Page) -> None:
    """It has a page already, and no server is started."""
    there = ask_for(outputs, "ui", f"tracking.uri={page.server}/")
    assert (there.returncode, there.stdout.strip()) == (0, page.url)
    others = dict(line.split() for line in there.stderr.splitlines())
    assert others == {
        "table": page.url.replace("=CHART", "=TABLE"),
        "seeds": page.url.replace("-compare", "-seeds"),
        "sweep": page.url.replace("-compare", "-sweep"),
    }
    for view in ("sweep", "plain"):
        there = ask_for(outputs, "ui", f"tracking.uri={page.server}", f"view={view}")
        plain = page.url.partition("&view")[0] + FLAT
        assert there.stdout.strip() == others.get(view, plain)


def views_of_an_older_store_are_saved(outputs: Path, page: Page, experiment: str) -> None:
    tag = {"experiment_id": experiment, "key": MARK}
    page.ask("experiments/set-experiment-tag", **tag, value="another edition")
    assert ask_for(outputs, "ui", f"tracking.uri={page.server}").stdout.strip() == page.url
    tags = page.ask(f"experiments/get?experiment_id={experiment}")["experiment"]["tags"]
    assert missing({each["key"]: each["value"] for each in tags}, mlflow_version(), 0) == {}


def a_signal_ends_it_and_all_that_it_started(page: Page) -> None:
    assert len(processes(page.port)) >= 2  # itself not counted: MLflow and its worker
    assert page.end(signal.SIGINT)[:2] == (0, "")
    assert processes(page.port) == []
    assert can_listen(page.port)


class Refusing(BaseHTTPRequestHandler):
    """A server on which somebody may read and not write, and who must sign in."""

    def do_GET(self) -> None:
        experiment = {"experiment_id": "7", "lifecycle_stage": "active", "tags": []}
        signed = self.headers["Authorization"] == "Basic bWU6c2VjcmV0"  # me:secret
        answers = {"/health": "OK", "/version": mlflow_version()}
        told = answers.get(self.path, json.dumps({"experiment": experiment}))
        self.send_response(200 if signed or self.path in answers else 401)
        self.end_headers()
        self.wfile.write(told.encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(403)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_server_on_which_views_cannot_be_saved(outputs: Path) -> None:
    with ThreadingHTTPServer((HOST, 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"{HOST}:{server.server_port}"
        ran = ask_for(outputs, "ui", f"tracking.uri=http://me:secret@{place}")
        server.shutdown()
    page = f"http://{place}/#/experiments/7/runs?workflowType=machine_learning{FLAT}"
    assert (ran.returncode, ran.stdout.strip()) == (0, page), ran.stderr
    why = "The prepared views cannot be saved (the server answers 403 Forbidden)"
    assert ran.stderr.strip() == f"{why}: this is MLflow's own page."


@pytest.mark.skipif(sys.platform != "linux", reason="not run: only Linux can do it")
def test_even_killed_it_leaves_no_server_behind(outputs: Path) -> None:
    words = ("tracking.experiment=no such/one", f"port={free_port()}")
    with serving(outputs, *words) as page:
        assert page.url == f"{page.server}/#/experiments"  # it is served all the same
        page.process.kill()
        _, err = page.process.communicate(timeout=PATIENCE)
        assert "No experiment 'no such/one' is found there" in err
        eventually(lambda: processes(page.port) == [], "the server outlives its command")
        eventually(lambda: can_listen(page.port), "the port is still taken")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else "",
)
def test_a_signal_before_the_server_answers(
    outputs: Path, number: signal.Signals, status: int
) -> None:
    port = free_port()
    with started(outputs, f"port={port}") as process:
        eventually(lambda: processes(port) != [], "no server is started")
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (status, "")
    assert processes(port) == []


def test_a_server_that_ends_by_itself_is_told(outputs: Path) -> None:
    with serving(outputs, f"port={free_port()}") as page:
        for line in processes(page.port):
            os.kill(int(line.split()[0]), signal.SIGKILL)
        _, err = page.process.communicate(timeout=PATIENCE)
        assert page.process.returncode == 1
        assert err.splitlines()[-1].startswith("ui: the MLflow server has ended")


def test_a_store_that_the_server_cannot_read(outputs: Path, tmp_path: Path) -> None:
    newer = tmp_path / "outputs" / "mlflow.db"
    newer.parent.mkdir()
    newer.write_bytes((outputs / "mlflow.db").read_bytes())
    database = sqlite3.connect(newer)
    database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    database.commit()
    database.close()
    port = free_port()
    ran = ask_for(newer.parent, "ui", f"port={port}")
    opening, reason = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert opening == f"Opening sqlite:///{newer} ..."
    assert reason.startswith("ui: the MLflow server has ended: ")
    assert "ffffffffffff" in reason
    assert str(newer.parent / "ui.log") in reason
    assert processes(port) == []


def refused(ran: "subprocess.CompletedProcess[str]") -> str:
    """Give the one line with which a command is refused."""
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    (line,) = ran.stderr.splitlines()
    return line


def test_a_port_that_is_taken(outputs: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        line = refused(ask_for(outputs, "ui", f"port={port}"))
    assert line.startswith(f"port: cannot listen on {port} (Address already in use).")


def test_no_store_yet(tmp_path: Path) -> None:
    line = refused(ask_for(tmp_path / "outputs", "ui"))
    assert line == (
        f"ui: there is no store at {tmp_path}/outputs/mlflow.db yet. "
        "Run an experiment first: python -m gdexp"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("now", "ui: 'now' is not a setting of it. Write view=, port=, host=, outputs=,"),
        ("eta=1", "ui: 'eta=1' is not a setting of it."),
        ("port=", "ui: 'port=' is not a setting of it."),
        ("view=seed", "view must be compare, table, seeds, sweep or plain. Got 'seed'."),
        ("port=http", "port must be a whole number from 1 to 65535. Got 'http'."),
        ("port=65536", "port must be a whole number from 1 to 65535. Got '65536'."),
        ("tracking.uri=mlruns", "tracking.uri must be a URI of a database or a server."),
        ("tracking.uri=databricks", "tracking.uri: databricks has a site of its own."),
        ("tracking.uri=http://127.0.0.1:1", "tracking.uri: no MLflow server at http://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(outputs: Path, word: str, told: str) -> None:
    assert refused(ask_for(outputs, "ui", word)).startswith(told)


def test_help(outputs: Path) -> None:
    ran = ask_for(outputs, "ui", "--help")
    assert ran.returncode == 0
    assert "python -m gdexp ui [SETTING=VALUE ...]" in ran.stdout
    assert all(f"  {name}=" in ran.stdout for name in SETTINGS)
