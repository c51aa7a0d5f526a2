"""``python -m gdexp server``: who may do what on it, and that no password is found anywhere."""

import base64
import gc
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import urllib.error
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gdexp.errors import GdexpError
from gdexp.serving.passwords import GIVEN
from gdexp.serving.postgres import OWNER, programs
from gdexp.tracking.asking import AUTHORITY, PASSWORD, USER, ask
from gdexp.tracking.journal import Reader
from tests.conftest import FOREIGN, Command
from tests.servers import passable, until

RUN = ["epochs=2", "batch=100", "engine=reference", "tracking.experiment=guarded"]
READ = "tracking.experiment=guarded"


# MLflow's client keeps connections for later, and leaves them open.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True, scope="module")
def _no_connections_are_left() -> Iterator[None]:
    """Close those of MLflow's client in this process."""
    yield
    from mlflow.utils import request_utils

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        request_utils._cached_get_request_session.cache_clear()
        gc.collect()


@dataclass
class Team:
    """A server that runs, its people, and all that was printed."""

    folder: Path
    process: "subprocess.Popen[str]"
    url: str = ""
    people: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    @property
    def server(self) -> Path:
        return self.folder / "outputs" / "server"

    @property
    def authority(self) -> Path:
        return self.server / "tls" / "authority.pem"

    @property
    def database(self) -> str:
        (found,) = re.findall("^database_uri = (.+)", (self.server / "auth.ini").read_text(), re.M)
        return str(found).replace("+psycopg", "").replace("%%", "%")

    def administer(self, path: str, **content: Any) -> Any:
        """Ask as the administrator."""
        signed = self.url.replace("//", f"//admin:{self.people['admin']}@")
        answer = ask(f"{signed}/api/{path}", content=content, authority=self.authority)
        return json.loads(answer or b"{}")

    def invite(self, name: str) -> str:
        """Make a user, with a password of his own."""
        self.people[name] = secrets.token_urlsafe(12)
        made = {"username": name, "password": self.people[name]}
        self.administer("2.0/mlflow/users/create", **made)
        return name

    def grant(self, name: str, experiment: str, permission: str) -> None:
        """Give a user a right to an experiment."""
        on = {"resource_type": "experiment", "resource_id": experiment, "permission": permission}
        self.administer("3.0/mlflow/users/permissions/grant", username=name, **on)

    def as_user(self, name: str, password: str = "") -> dict[str, str]:
        """Give the environment of somebody."""
        word = password or self.people[name]
        known = {"MLFLOW_TRACKING_URI": self.url, AUTHORITY: str(self.authority)}
        return {**known, USER: name, PASSWORD: word, "COLUMNS": "80"}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """A server, as the command starts it."""
    try:
        programs()
    except GdexpError as error:
        pytest.skip(f"not run: {error}")
    with passable() as folder:
        password = secrets.token_urlsafe(24)
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        process = subprocess.Popen(
            [sys.executable, "-m", "gdexp", "server", f"outputs={folder}/outputs"],
            cwd=folder,
            env={**kept, GIVEN: password, "XDG_STATE_HOME": f"{folder}/state"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            found = Team(folder, process, people={"admin": password})
            assert process.stdout is not None
            found.url = process.stdout.readline().strip()
            assert found.url, process.communicate()[1]
            for name in ("writer", "reader", "stranger"):
                found.invite(name)
            yield found
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def as_user(team: Team, inside: Command, outputs: Path) -> Command:
    """Run a command as somebody; what it prints, and leaves in files, has no password in it."""

    def run(*words: str, user: str, password: str = "", **env: str) -> Any:
        ran = inside(*words, **{**team.as_user(user, password), **env})
        team.printed.append(ran.stdout + ran.stderr)
        found = [*outputs.rglob("*"), *team.server.rglob("*")]
        contents = [path.read_bytes() for path in found if path.is_file()]
        for word in (*team.people.values(), *([password] if password else [])):
            coded = base64.b64encode(f"{user}:{word}".encode())
            assert word not in team.printed[-1]
            assert not any(word.encode() in each or coded in each for each in contents)
        return ran

    return run


@pytest.fixture(scope="module")
def experiment(team: Team) -> str:
    """An experiment that the writer made, who has told others of it."""
    signed = team.url.replace("//", f"//writer:{team.people['writer']}@")
    made = {"name": "guarded"}
    path = f"{signed}/api/2.0/mlflow/experiments/create"
    found = json.loads(ask(path, content=made, authority=team.authority))
    team.grant("reader", found["experiment_id"], "READ")
    return str(found["experiment_id"])


def journals(outputs: Path) -> list[Path]:
    return sorted(path.parent for path in outputs.glob("*/*/*/journal.jsonl"))


def test_who_may_only_read_loses_nothing(
    team: Team, experiment: str, as_user: Command, outputs: Path
) -> None:
    ran = as_user(*RUN, user="reader")
    assert ran.returncode == 0, ran.stderr
    assert "after 2 epochs" in ran.stdout
    why = "does not let reader do that in experiment 'guarded' (403 Permission denied)"
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("not tracked yet: ")]
    assert f"{team.url} {why}" in line
    assert line.endswith("the journals are complete")
    (folder,) = journals(outputs)
    assert [*Reader(folder).new()][-1]["status"] == "FINISHED"
    assert team.rows("SELECT count(*) FROM runs") == [(0,)]

    synced = as_user("sync", user="writer")
    assert synced.returncode == 0, synced.stderr
    assert "1 run brought up to date" in synced.stdout
    assert "1 run had all already" in as_user("sync", user="writer").stdout
    assert team.rows("SELECT count(*) FROM runs") == [(1,)]
    assert_all_there(team, folder, experiment)

    ran = as_user(*RUN, "seed=1", user="writer")
    assert ran.returncode == 0, ran.stderr
    assert f"in {team.url}" in ran.stdout
    assert_all_there(team, journals(outputs)[-1], experiment)
    assert [*outputs.glob("mlflow.db*")] == []
    compared = as_user("compare", "latest", "latest~1", READ, user="reader")
    assert compared.returncode == 0, compared.stderr
    assert "2 runs of 1 variant" in compared.stdout
    again = as_user("replay", "latest", READ, user="reader")
    assert again.returncode == 0, again.stderr
    assert "bit-identical" in again.stdout


def assert_all_there(team: Team, folder: Path, experiment: str) -> None:
    """Hold what the server has of a run against its journal: each point once, and its files."""
    run = json.loads((folder / "mlflow.json").read_text())["run_id"]
    records = [*Reader(folder).new()]
    points = team.rows(f"SELECT key, step, value FROM metrics WHERE run_uuid = '{run}'")
    assert len({(name, step) for name, step, _ in points}) == len(points)
    curve = {step: value for name, step, value in points if name == "train/cost_mean"}
    epochs = [each for each in records if each["kind"] == "epoch"]
    assert curve == {each["epoch"]: each["metrics"]["train/cost_mean"] for each in epochs}
    place = f"{experiment}/{run}/artifacts"
    uris = team.rows(f"SELECT artifact_uri FROM runs WHERE run_uuid = '{run}'")
    assert uris == [(f"mlflow-artifacts:/{place}",)]
    kept = team.server / "artifacts" / place / "journal.jsonl"
    assert kept.read_bytes() == (folder / "journal.jsonl").read_bytes()


def test_a_stranger_and_a_wrong_password(
    team: Team, experiment: str, as_user: Command, outputs: Path
) -> None:
    shown = as_user("runs", READ, user="stranger")
    assert (shown.returncode, shown.stdout) == (1, "")
    why = "does not let stranger do that in experiment 'guarded' (403 Permission denied)"
    assert shown.stderr.startswith(f"tracking.uri: {team.url} {why}")
    assert len(shown.stderr.splitlines()) == 1

    wrong = secrets.token_urlsafe(12)
    why = f"{team.url} does not take the password of 'writer' (401): set {PASSWORD}"
    for words in (["runs", READ], ["sync", "tracking.experiment=other"]):
        ran = as_user(*words, user="writer", password=wrong)
        told = f"tracking.uri: {why} to the right one.\n" if words[0] == "runs" else ""
        assert ran.stderr == told
    ran = as_user(*RUN, user="writer", password=wrong)
    assert ran.returncode == 0
    first, *_, last, later = ran.stderr.splitlines()
    assert first.startswith(f"tracking.uri: {why}")
    assert first.endswith("the run goes on without it")
    assert last.startswith("not tracked yet: ")
    assert why in last
    assert " sync " in later
    ran = as_user("sync", user="writer", password=wrong)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"not tracked: tracking.uri: {why}")


def test_names_and_authorities_that_are_not_known(team: Team, as_user: Command) -> None:
    port = team.url.rpartition(":")[2]
    other = f"tracking.uri=https://127.1:{port}"  # the same address, by another name
    ran = as_user("runs", READ, other, user="writer")
    assert "has a certificate for other names" in ran.stderr
    lax = {AUTHORITY: "", "MLFLOW_TRACKING_INSECURE_TLS": "true"}
    ran = as_user("runs", READ, other, user="writer", **lax)
    assert ran.returncode == 1
    told = f"tracking.uri: https://127.1:{port} does not answer to this name (403 Invalid Host"
    assert ran.stderr.startswith(told)
    strict = {AUTHORITY: "", "MLFLOW_TRACKING_INSECURE_TLS": ""}
    ran = as_user("runs", READ, user="writer", **strict)
    assert f"nobody known here has signed: set {AUTHORITY}" in ran.stderr


def test_nothing_without_a_name_and_nothing_in_the_process_list(team: Team) -> None:
    for path in (
        "api/2.0/mlflow/experiments/search?max_results=1",
        "",
        "ajax-api/2.0/mlflow/users",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(f"{team.url}/{path}", signed=False, authority=team.authority)
        assert refused.value.code in (401, 404), path
    with psycopg.connect(team.database) as connection:
        listens = connection.execute("SHOW listen_addresses").fetchone()
    assert listens == ("",)
    listed = processes(team)
    assert len(listed) >= 3  # PostgreSQL, MLflow and its worker
    shown = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True).stdout
    assert not any(word in shown for word in team.people.values())
    assert not any(OWNER in line and "postgresql" in line for line in listed)


def processes(team: Team) -> list[str]:
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if f"{team.server}/" in line]


def test_ctrl_c_ends_all_of_it(team: Team) -> None:
    socket = Path(team.database.rpartition("host=")[2])
    assert socket.is_dir()
    assert team.process.poll() is None
    team.process.send_signal(signal.SIGINT)
    out, err = team.process.communicate(timeout=60)
    assert (team.process.returncode, out) == (0, "")
    assert f"password  {GIVEN}\n" in err
    assert team.people["admin"] not in err
    until(lambda: not processes(team))
    assert not socket.exists()
    (settings,) = (team.folder / "state" / "gdexp").iterdir()
    assert settings.stat().st_mode & 0o777 == 0o600
    assert not any(word in settings.read_text() for word in team.people.values())
