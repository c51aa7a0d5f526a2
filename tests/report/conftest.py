"""A store with a real sweep over seeds, and real descents on a function."""

from pathlib import Path

import pytest

import gdexp.report
from gdexp.stored import Reader, StoredRun, find, open_store
from gdexp.tracking.settings import SQLITE, Tracking
from tests.stores import made_once, run_all

SWEEP = (
    *("-m", "optimizer=sgd", "batch=10,100", "eta=1.0,3.0", "seed=0,1,2", "epochs=3"),
    *("engine=blas", "diagnostics=confusion", "diagnostics.confusion.every=0"),
)
PATHS = (
    *("-m", "problem=function", "function=rosenbrock", "rule=plain,momentum", "epochs=20"),
    *("problem.draw=false", "tracking.experiment=paths"),
)
QUESTION = "Which mini-batch, and which learning rate?"


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with both."""
    return made_once(tmp_path_factory, "shared-report", lambda to: run_all(to, SWEEP, PATHS))


@pytest.fixture(scope="session")
def uri(kept: Path) -> str:
    return f"{SQLITE}{kept}/mlflow.db"


@pytest.fixture(scope="session")
def reader(uri: str) -> Reader:
    return open_store(Tracking(uri, "gdexp"))


@pytest.fixture(scope="session")
def runs(reader: Reader) -> list[StoredRun]:
    """The twelve runs of the sweep."""
    found = find(reader, [], "", "gdexp")
    assert len(found) == 12
    return found


@pytest.fixture(scope="session")
def written(
    tmp_path_factory: pytest.TempPathFactory, reader: Reader, runs: list[StoredRun], uri: str
) -> Path:
    """The folder of a report on them."""

    def make(folder: Path) -> None:
        page = gdexp.report.write(reader, runs, folder, title="T", question=QUESTION, uri=uri)
        assert page == folder / "index.html"

    return made_once(tmp_path_factory, "shared-page", make)
