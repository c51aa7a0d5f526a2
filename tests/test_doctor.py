"""python -m gdexp doctor: runs with nobody behind them, and all else that can be wrong."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from packaging.requirements import Requirement

from gdexp import process
from gdexp.doctor import surroundings
from gdexp.doctor.kept import kept
from gdexp.doctor.store import revisions
from gdexp.tracking.hold import RUN, Hold, held, in_hand
from gdexp.tracking.journal import NAME, seal, unseal
from tests.conftest import Command
from tests.stores import reader, runs, store

__all__ = ["reader", "runs", "store"]

Told = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def house(store: Path, tmp_path: Path) -> Path:
    """The shared store, moved: a copy in which nothing names the place that it comes from."""
    outputs = tmp_path / "moved" / "outputs"
    shutil.copytree(store, outputs)
    with closing(sqlite3.connect(outputs / "mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            there = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            database.execute(there, (store.as_uri(), f"{tmp_path.as_uri()}/before/outputs"))
    return outputs


@pytest.fixture
def told(inside: Command, house: Path, tmp_path: Path) -> Told:
    def run(*words: str) -> "CompletedProcess[str]":
        cache = str(tmp_path / "cache")
        return inside("doctor", *words, GDEXP_OUTPUTS=str(house), GDEXP_CACHE=cache, COLUMNS="80")

    return run


def problems(ran: "CompletedProcess[str]") -> list[str]:
    lines = ran.stdout.splitlines()
    found = [line.split()[0] for line in lines if " problem  " in line[:22]]
    assert ran.returncode == bool(found)
    assert max(map(len, lines)) <= 80 or "/" in ran.stdout
    return found


def unwrapped(ran: "CompletedProcess[str]") -> str:
    return " ".join(ran.stdout.split())


def sql(house: Path, asked: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(house / "mlflow.db")) as database, database:
        return database.execute(asked, values).fetchall()


def dead() -> int:
    """Give the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_a_process_is_told_from_another_with_its_number() -> None:
    own = process.mark(os.getpid())
    assert process.alive(os.getpid(), own)
    assert process.alive(os.getpid())
    assert not process.alive(os.getpid(), own + "0")
    assert not process.alive(dead())
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not process.alive(child)  # its number is still taken
    os.waitpid(child, 0)
    assert not in_hand({"gdexp.pid": "9" * 40, "gdexp.feeder_pid": "x"})


def test_a_hold_is_seen_and_not_disturbed(tmp_path: Path) -> None:
    assert not held(tmp_path, RUN)
    hold = Hold(tmp_path, RUN)
    assert held(tmp_path, RUN)
    hold.let_go()
    assert not held(tmp_path, RUN)


def test_a_moved_store_is_well(told: Told, house: Path) -> None:
    ran = told()
    assert problems(ran) == [], ran.stdout
    assert f"sqlite:///{house}/mlflow.db: 21 runs" in unwrapped(ran)
    assert "21 folders are there" in unwrapped(ran)


def test_a_copied_store_is_told_of_and_mended(told: Told, house: Path, store: Path) -> None:
    sql(
        house,
        "UPDATE experiments SET artifact_location = ? WHERE name = 'gdexp'",
        f"{store.as_uri()}/artifacts/gdexp",
    )
    sql(
        house,
        "UPDATE runs SET artifact_uri = ? || run_uuid || '/artifacts'",
        f"{store.as_uri()}/artifacts/gdexp/",
    )
    ran = told()
    assert problems(ran) == ["moved"]
    assert f"{store}/artifacts/gdexp is now {house}/artifacts/gdexp" in unwrapped(ran)
    ran = told("--fix")
    assert "artifacts of 21 runs" in unwrapped(ran)
    assert problems(ran) == []
    places = [str(uri) for (uri,) in sql(house, "SELECT artifact_uri FROM runs")]
    assert all(uri.startswith(house.as_uri()) for uri in places)


def unended(house: Path, run: str) -> None:
    """Take the end out of a run's journal."""
    (folder,) = [each.folder for each in kept(house) if each.run_id == run]
    lines = (folder / NAME).read_bytes().splitlines(keepends=True)
    (folder / NAME).write_bytes(b"".join(lines[:-1]))


def test_runs_with_nobody_behind_them_are_closed_as_what_they_are(told: Told, house: Path) -> None:
    found = kept(house)
    parent = next(each for each in found if each.start["tags"]["gdexp.kind"] == "sweep")
    jobs = [each.run_id for each in found if each.folder.parent == parent.folder]
    sweep, (ended, reused, alive, afar, other, killed, unheld) = parent.run_id, jobs[:7]

    def tag(run: str, name: str, value: object) -> None:
        sql(house, "DELETE FROM tags WHERE run_uuid = ? AND key = ?", run, f"gdexp.{name}")
        sql(
            house,
            "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)",
            run,
            f"gdexp.{name}",
            str(value),
        )

    for run in (ended, reused, alive, afar, sweep, killed, unheld):
        sql(house, "UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = ?", run)
    sql(house, "UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?", other)
    for run in (reused, alive, afar, sweep, killed, unheld):
        unended(house, run)
    for run in (reused, alive, unheld):
        tag(run, "pid", os.getpid())
    tag(killed, "pid", dead())
    (folder,) = [each.folder for each in found if each.run_id == unheld]
    (folder / RUN).touch()  # as a notebook leaves it, whose process goes on
    tag(unheld, "pid_began", process.mark(os.getpid()))
    tag(reused, "pid_began", "12345678-1")
    tag(alive, "pid_began", process.mark(os.getpid()))
    tag(afar, "host", "node7")
    ran = told()
    assert problems(ran) == ["runs"]
    text = unwrapped(ran)
    assert "1 running now; 7 not as the store says" in text
    for run, why in {
        killed: "its process is gone",
        unheld: "its process is gone",
        reused: "its process is gone",
        sweep: "its process is gone",
        ended: "RUNNING in the store, FINISHED by its journal",
        other: "KILLED in the store, FINISHED by its journal",
        afar: "is running on node7, it says",
    }.items():
        assert f"{run[:8]} " in text
        assert why in text.partition(f"{run[:8]} ")[2][:120]
    assert alive[:8] not in text
    assert "add --host node7" in text
    ran = told("--fix")
    assert problems(ran) == ["runs"]  # the one on the other machine
    assert re.search(rf"{killed[:8]} [^:]+: is KILLED now", unwrapped(ran))
    now = dict(sql(house, "SELECT run_uuid, status FROM runs"))
    assert {now[run] for run in (killed, unheld, reused, sweep)} == {"KILLED"}
    assert [now[run] for run in (ended, other, alive, afar)] == [
        "FINISHED",
        "FINISHED",
        "RUNNING",
        "RUNNING",
    ]
    tags = dict(sql(house, "SELECT key, value FROM tags WHERE run_uuid = ?", sweep))
    assert tags["gdexp.jobs"] == "11 of 16 jobs finished, 5 killed"
    assert tags["gdexp.reason"] == "its process ended without a word"
    (times,) = sql(house, "SELECT start_time, end_time FROM runs WHERE run_uuid = ?", killed)
    assert int(str(times[0])) < int(str(times[1]))
    ran = told("--host", "node7", "--host", socket.gethostname())
    assert problems(ran) == ["runs"]
    assert f"{afar[:8]} " in unwrapped(ran).partition("1 not as the store says")[2]
    assert "its process is gone" in unwrapped(ran)
    assert "1 running now" in unwrapped(ran)  # this machine can be asked, and is not vouched for


def test_damage_is_named_and_what_can_be_mended_is(told: Told, house: Path, tmp_path: Path) -> None:
    torn, middle, held_one = (each.folder for each in kept(house)[:3])
    lines = (torn / NAME).read_bytes()
    (torn / NAME).write_bytes(lines + b'{"kind":"epo')
    whole = (middle / NAME).read_bytes()
    (middle / NAME).write_bytes(whole.replace(b'"kind":"epoch"', b'"kind":"epocH"', 1))
    (held_one / NAME).write_bytes((held_one / NAME).read_bytes() + b"{")
    hold = Hold(held_one, RUN)  # it is being written to
    (torn / "checkpoints").mkdir()
    (torn / "checkpoints" / f"{1:012}.checkpoint").write_bytes(b"gdexp-checkpoint 1 no")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "digits-0.arrays").write_bytes(b"gdexp-arrays 1 00000000\n{}\nx")
    ran = told()
    assert problems(ran) == ["journals", "checkpoints", "data"]
    assert "2 of 21 journals damaged" in unwrapped(ran)
    assert f"{torn}/{NAME}: its last line is torn" in unwrapped(ran)
    assert f"{middle}/{NAME}, line " in unwrapped(ran)
    ran = told("--fix")
    assert problems(ran) == ["journals", "checkpoints"]
    assert (torn / NAME).read_bytes() == lines
    assert (middle / NAME).read_bytes() != whole
    assert (held_one / NAME).read_bytes().endswith(b"{")
    assert not [*cache.glob("*.arrays")]
    hold.let_go()


def test_a_journal_that_no_store_has_is_named(told: Told, house: Path, store: Path) -> None:
    run = next(each for each in kept(house) if each.journal)
    path = run.folder / NAME
    first, *rest = path.read_text().splitlines()
    record = unseal(first)
    record["config"]["tracking"]["uri"] = f"sqlite:///{house}/mlflow.db"
    path.write_text("".join(f"{line}\n" for line in [seal(record), *rest]))
    (run.folder / "mlflow.json").unlink()
    assert problems(told()) == []  # by its tag the store knows it
    sql(house, "DELETE FROM tags WHERE key = 'gdexp.journal' AND run_uuid = ?", run.run_id)
    ran = told()
    assert problems(ran) == ["tracked"]
    assert f"1 journal not in the store {run.folder} -> python -m gdexp sync" in unwrapped(ran)


def test_a_damaged_database_is_told_of(told: Told, house: Path) -> None:
    sql(house, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
    ran = told()
    assert problems(ran) == ["schema"]
    assert "ffffffffffff, which the installed MLflow does not know" in unwrapped(ran)
    known, newest = revisions()
    sql(house, "UPDATE alembic_version SET version_num = ?", next(iter(known - {newest})))
    assert problems(told()) == []
    sql(house, "UPDATE alembic_version SET version_num = ?", newest)
    path = house / "mlflow.db"
    content = bytearray(path.read_bytes())
    at = content.index(b"best/val_accuracy", len(content) // 2)
    content[at - 3000 : at] = bytes(3000)
    path.write_bytes(content)
    assert set(problems(told())) & {"database", "store"}
    path.write_bytes(b"no database at all")
    assert "is not an SQLite database" in unwrapped(told())
    path.unlink()
    ran = told()
    assert "none yet at" in unwrapped(ran)


def test_artifacts_that_are_gone_are_told_of(told: Told, house: Path) -> None:
    problems(told())  # which names the places of the moved store
    shutil.rmtree(house / "artifacts" / "gdexp")
    ran = told("--fix")
    assert problems(ran) == ["artifacts"]
    assert "21 of 21 folders are not where the store says" in unwrapped(ran)
    assert "and 11 more" in ran.stdout


def test_the_environment_is_judged(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    assert surroundings._mismatch(Requirement("numpy>=99")).startswith("numpy 2")
    assert surroundings._mismatch(Requirement("nowhere-to-be-found>=1")).endswith(">=1 is needed")
    assert surroundings._mismatch(Requirement("numpy>=1")) == ""
    assert "are" not in problems(told("outputs=/dev/null/x", "tracking.uri=sqlite:////tmp/none.db"))
    ran = told("outputs=/dev/null/x", "tracking.uri=sqlite:////tmp/none.db")
    assert problems(ran) == ["outputs"]
    monkeypatch.setattr(surroundings, "LEAST_MEMORY", 1e15)
    monkeypatch.setattr(surroundings, "LEAST_DISK", 1e18)
    assert problems(told()) == ["disk", "memory"]


def test_mistakes_are_one_line(told: Told) -> None:
    assert "doctor: unrecognized arguments: now" in told("now").stderr
    assert "tracking.uri must be" in told("tracking.uri=nonsense://x").stderr


def test_mlflow_is_not_loaded(house: Path) -> None:
    code = (
        "import sys; from gdexp import cli; cli.run(['doctor']); assert 'mlflow' not in sys.modules"
    )
    env = {**os.environ, "GDEXP_OUTPUTS": str(house)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True)
