"""python -m gdexp sync: what it brings in, what it leaves, and what it says."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gdexp import compose
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, Journal, Reader
from gdexp.tracking.tracked import Tracked, tracked
from gdexp.training import train
from tests import nursery
from tests.conftest import Command, command

WORDS = ["batch=100", "epochs=1"]


def trained(name: str, *words: str) -> Path:
    """Train, with nobody who brings the journal anywhere; give the folder, under a name."""
    request = compose.composed([*WORDS, *words])
    request.output.mkdir(parents=True)
    train(request, lambda record: lambda epoch: None)
    return request.output.rename(request.output.with_name(name))


def without_end(folder: Path) -> None:
    lines = (folder / NAME).read_text().splitlines(keepends=True)
    (folder / NAME).write_text("".join(lines[:-1]) + lines[-1][:40])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs that a feeder left, in every way."""
    outputs = tmp_path_factory.mktemp("sync") / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GDEXP_OUTPUTS", str(outputs))
        trained("whole", "seed=0")
        without_end(trained("killed", "seed=1"))
        damaged = trained("damaged", "seed=2")
        text = (damaged / NAME).read_text()
        (damaged / NAME).write_text(text.replace('"epoch":1', '"epoch":2'))
        trained("off", "seed=3", "tracking=off")
        going = trained("going", "seed=4")
        without_end(going)
        elsewhere = trained("elsewhere", "seed=5")
        Tracked("4625237d", "1", "http://127.0.0.1:9", "gdexp").write(elsewhere)
        hold = Hold(going, RUN)
        yield outputs
        hold.let_go()


def rows(outputs: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(outputs / "mlflow.db")) as store:
        return store.execute(query).fetchall()


def synced(outputs: Path, *words: str) -> tuple[int, str, str]:
    ran = command("sync", *words, outputs=outputs, cwd=outputs.parent)
    assert "Traceback" not in ran.stderr
    return ran.returncode, ran.stdout, ran.stderr


def test_what_can_be_brought_in_is_and_the_rest_is_told(left: Path) -> None:
    status, told, errors = synced(left)
    assert status == 1
    assert "tracked  2 runs brought up to date: " in told
    assert "left     outputs/runs/" in told
    assert "/going: still going on\n" in told
    assert "left     1 run with tracking=off; --off brings them in, too\n" in told
    assert "/killed/journal.jsonl: line 4 was torn, as by a power cut, and dropped\n" in errors
    assert "/damaged/journal.jsonl, line 3: checksum does not match" in errors
    assert "not tracked: tracking.uri: no MLflow server at http://127.0.0.1:9" in errors
    found = rows(left, "SELECT name, status FROM runs ORDER BY name")
    assert found == [("sgd m=100 eta=3 s=0", "FINISHED"), ("sgd m=100 eta=3 s=1", "KILLED")]
    each = "FROM metrics GROUP BY run_uuid, key, step"
    assert rows(left, f"SELECT DISTINCT COUNT(*) {each}") == [(1,)]


def test_a_run_that_is_there_is_passed_over_and_a_deleted_one_stays_deleted(left: Path) -> None:
    (whole,) = left.glob("runs/*/whole")
    noted = tracked(whole)
    assert noted is not None
    assert noted.whole(whole)
    status, told, _ = synced(left, str(whole))
    assert (status, told) == (0, "tracked  1 run had all already\n")
    with closing(sqlite3.connect(left / "mlflow.db")) as store:
        change = "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?"
        store.execute(change, [noted.run_id])
        store.commit()
    status, told, _ = synced(left, "--all", str(whole))
    assert status == 0
    assert told == f"left     {whole.relative_to(left.parent)}: deleted in MLflow\n"
    assert len(rows(left, "SELECT * FROM runs")) == 2


def test_two_at_once_bring_each_point_in_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GDEXP_OUTPUTS", str(outputs))
    folders = [trained(f"run-{seed}", f"seed={seed}", "epochs=9") for seed in range(4)]
    points = sum(values_of(folder) for folder in folders)
    env = {**os.environ}
    both = [nursery.start(["sync"], tmp_path, env) for _ in range(2)]
    for each in both:
        told, errors = each.communicate(60)
        assert each.returncode == 0, told + errors
    assert len(rows(outputs, "SELECT * FROM runs WHERE status = 'FINISHED'")) == 4
    assert rows(outputs, "SELECT COUNT(*) FROM runs") == [(4,)]
    where = "FROM metrics WHERE key NOT LIKE 'by_update/%'"
    assert rows(outputs, f"SELECT COUNT(*) {where}") == [(points,)]
    each_once = "FROM metrics GROUP BY run_uuid, key, step"
    assert rows(outputs, f"SELECT DISTINCT COUNT(*) {each_once}") == [(1,)]


def values_of(folder: Path) -> int:
    """Count the values that a journal has."""
    return sum(len(record.get("metrics", ())) for record in Reader(folder).new())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere-at-all"], "nowhere-at-all is no folder. Name that of a run, of a sweep, or of"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["tracking.uri=nonsense"], "tracking.uri must be a URI of a database or a server"),
        (["tracking.uri="], "tracking.uri must have a value"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], told: str, inside: Command) -> None:
    ran = inside("sync", *words)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_folder_without_runs(inside: Command, tmp_path: Path) -> None:
    assert inside("sync").stdout.startswith("nothing to bring in: ")
    Journal(tmp_path).close()  # of a run that was killed before its first record
    assert inside("sync", str(tmp_path)).returncode == 0
