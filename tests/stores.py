"""Stores with real runs, made once for all tests and all of their processes."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from gdexp.stored import Reader, StoredRun, open_store
from gdexp.tracking.settings import Tracking
from tests.conftest import command

# 2 conventions x 2 batch sizes x 2 η x 2 seeds; η = 3 with mean and m = 10 is 0.3 with sum.
SWEEP = (
    *("-m", "optimizer=sgd", "scaling=mean,sum", "batch=10,100", "eta=3.0,0.3", "seed=0,1"),
    *("epochs=2", "engine=reference", "engine.precision=float64", "launcher=basic"),  # in order
)
FUNCTIONS = (
    "-m",
    "problem=function",
    "function=bowl",
    "eta=0.1,0.2,100.0",
    "epochs=4",
    "launcher=basic",
)
NETWORKS, ALL, SWEEPS = 16, 19, 2


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Give a folder that all tests of all processes share, filled by the first that wants it."""
    shared = factory.getbasetemp()
    shared = shared.parent if shared.name.startswith("popen-") else shared  # one of xdist's
    folder = shared / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            make(folder)
            (folder / "done").touch()
    return folder


def run_all(outputs: Path, *commands: Sequence[str]) -> None:
    """Run commands that write to an outputs folder."""
    for words in commands:
        ran = command(*words, outputs=outputs, cwd=outputs.parent, timeout=300)
        assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs folder of a store with `ALL` runs: networks, and functions without accuracy."""
    return made_once(tmp_path_factory, "shared-store", lambda to: run_all(to, SWEEP, FUNCTIONS))


@pytest.fixture(scope="session")
def reader(store: Path) -> Reader:
    """The store, opened."""
    return opened(store)


@pytest.fixture(scope="session")
def runs(reader: Reader) -> list[StoredRun]:
    """Its runs, the latest first, without those of the sweeps themselves."""
    return [run for run in reader.runs() if run.tag("kind") == "train"]


@pytest.fixture
def changed(store: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a copy of the store in which SQL was carried out; its artifacts are the original's."""

    def change(*statements: str) -> Path:
        folder = tmp_path / "changed"
        folder.mkdir()
        with sqlite3.connect(store / "mlflow.db") as source:
            target = sqlite3.connect(folder / "mlflow.db")
            source.backup(target)
        for statement in statements:
            target.execute(statement)
        target.commit()
        target.close()
        source.close()
        return folder

    return change


def uri_of(outputs: Path) -> str:
    return f"sqlite:///{outputs}/mlflow.db"


def opened(outputs: Path) -> Reader:
    return open_store(Tracking(uri_of(outputs), "gdexp"))


def named(runs: list[StoredRun], name: str) -> StoredRun:
    (found,) = [run for run in runs if run.name == name]
    return found
