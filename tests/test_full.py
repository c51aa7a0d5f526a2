"""A disk that is full, and folders that cannot be written: what is there stays, and is told.

Disks are small file systems in memory, where they can be mounted; elsewhere the system's limit on
the size of files stands in for them.
"""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gdexp.interrupted import interrupted
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, Reader
from tests.conftest import ROOT, Command, command
from tests.kills import go_on
from tests.nursery import FIRST, MAKE

FAST = ("engine=reference", "optimizer=gd")


def mounted(*words: str) -> bool:
    """Mount something, where that is allowed."""
    try:
        return subprocess.run(["mount", *words], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder on which something may be mounted, and is not when the test ends."""
    folder = tmp_path / "place"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def limited(*words: str, outputs: Path, most: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run a command whose files can have no more than so many bytes; 0: any number."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))"
    env: dict[str, Any] = {FIRST: limit if most else "", MAKE: "1"}
    env["PATH"] = "/nowhere"  # without git's diff
    return command(*words, *FAST, outputs=outputs, cwd=ROOT, **env)


def last(folder: Path) -> dict[str, object]:
    *_, record = Reader(folder).new()
    return record


def test_a_full_disk_costs_no_more_than_the_last_moment(place: Path, tmp_path: Path) -> None:
    small = mounted("-t", "tmpfs", "-o", "size=120k", "none", str(place))
    ran = limited(
        "epochs=300",
        "checkpoint.seconds=0",
        f"tracking.uri=sqlite:///{tmp_path}/mlflow.db",
        outputs=place / "outputs",
        most=0 if small else 80_000,
    )
    assert ran.returncode == 1
    why = "No space left on device" if small else "File too large"
    (folder,) = (path.parent for path in place.glob(f"outputs/runs/*/*/{NAME}"))
    told = ran.stderr.splitlines()[-1]
    assert told.startswith("outputs: cannot write")
    assert f"({why}). Make room; the run then goes on with python -m gdexp resume {folder}" in told
    assert "Traceback" not in ran.stderr
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        ((status,),) = database.execute("SELECT status FROM runs").fetchall()
        tags = dict(database.execute("SELECT key, value FROM tags").fetchall())
    assert (status, tags["gdexp.outcome"]) == ("FAILED", "failed")
    assert why in tags["gdexp.reason"]
    if small:
        assert mounted("-o", "remount,size=10m", str(place))
    hold = Hold(folder, RUN)
    left = interrupted(folder, hold)
    assert left.checkpoint is not None
    assert left.epoch > 10
    hold.let_go()
    go_on(folder)
    assert last(folder)["status"] == "FINISHED"


def test_a_store_that_is_full_takes_nothing_with_it(place: Path, tmp_path: Path) -> None:
    if not mounted("-t", "tmpfs", "-o", "size=500k", "none", str(place)):
        pytest.skip("no file system can be mounted here")
    store = f"tracking.uri=sqlite:///{place}/mlflow.db"
    ran = limited("epochs=1", store, "tracking.patience=1", outputs=tmp_path / "o")
    assert "after 1 epoch" in ran.stdout
    assert "disk is full" in ran.stderr or "disk I/O error" in ran.stderr
    assert "Traceback" not in ran.stderr
    (folder,) = (path.parent for path in tmp_path.glob(f"o/runs/*/*/{NAME}"))
    assert last(folder)["status"] == "FINISHED"
    assert not (place / "mlflow.db").exists()  # half made, MLflow would never go on with it


def test_a_model_that_does_not_fit_is_not_left_half(tmp_path: Path) -> None:
    ran = limited("epochs=1", "architecture.hidden=[300]", "tracking=off",
                  outputs=tmp_path, most=50_000)  # fmt: skip
    assert ran.returncode == 1
    (folder,) = (path.parent for path in tmp_path.glob(f"runs/*/*/{NAME}"))
    told = ran.stderr.splitlines()[-1]
    assert told.startswith("outputs: cannot write")
    assert "(File too large). Make room" in told
    assert not [*folder.glob("*model.npz")]
    assert last(folder)["status"] == "FAILED"
    assert "File too large" in str(last(folder)["tags"])


def test_a_history_that_cannot_be_written_is_told(inside: Command, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / ".part-history.csv").mkdir(parents=True)
    ran = inside("epochs=1", "tracking=off", f"hydra.run.dir={folder}", *FAST)
    assert ran.returncode == 0, ran.stderr
    assert "history  none: [Errno 21] Is a directory" in ran.stdout
    assert last(folder)["status"] == "FINISHED"
    assert not (folder / "history.csv").exists()


@pytest.fixture
def read_only(place: Path) -> Iterator[Callable[[], Path]]:
    """Have a folder in which nothing can be written any more, by root either."""

    def closed() -> Path:
        if mounted("--bind", str(place), str(place)):
            assert mounted("-o", "remount,ro,bind", str(place))
        else:
            place.chmod(0o555)
        if os.access(place, os.W_OK):
            pytest.skip("nothing keeps this user from writing")
        return place

    yield closed
    subprocess.run(["umount", str(place)], capture_output=True, check=False)
    place.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_named(
    inside: Command, read_only: Callable[[], Path], place: Path
) -> None:
    (place / "outputs").mkdir()
    ran = inside("epochs=1", "tracking=off", f"hydra.run.dir={place}/run", *FAST)
    assert ran.returncode == 0
    (place / "run" / NAME).write_bytes((place / "run" / NAME).read_bytes()[:-1])  # not ended
    outputs = read_only() / "outputs"
    for words in (("epochs=1",), ("epochs=1", "tracking=off"), ("-m", "seed=0,1", "tracking=off")):
        ran = inside(*words, *FAST, GDEXP_OUTPUTS=str(outputs))
        assert ran.returncode == 1
        (told,) = (line for line in ran.stderr.splitlines() if "planned" not in line)
        assert "cannot write to" in told
        assert "Read-only file system" in told or "Permission denied" in told
    ran = inside("resume", str(place / "run"))
    assert ran.returncode == 1
    assert "cannot be written to" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    ran = inside("doctor", GDEXP_OUTPUTS=str(outputs))
    assert ran.returncode == 1
    assert "outputs      problem" in ran.stdout
