"""A store with a real sweep over seeds, and real descents on a function."""

from pathlib import Path

import pytest

from gdexp.stored import Reader, StoredRun, find, open_store
from gdexp.tracking.settings import SQLITE, Tracking
from tests.conftest import command

SWEEP = (
    *("-m", "optimizer=sgd", "batch=10,100", "eta=0.3,1.0,3.0", "seed=0,1,2", "epochs=3"),
    *("engine=reference", "diagnostics=confusion", "diagnostics.confusion.every=0"),
)
PATHS = (
    *("-m", "problem=function", "function=rosenbrock", "rule=plain,momentum", "epochs=20"),
    "tracking.experiment=paths",
)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with both."""
    outputs = tmp_path_factory.mktemp("report") / "outputs"
    for words in (SWEEP, PATHS):
        ran = command(*words, outputs=outputs, cwd=outputs.parent, timeout=300)
        assert ran.returncode == 0, ran.stderr
    return outputs


@pytest.fixture(scope="session")
def uri(kept: Path) -> str:
    return f"{SQLITE}{kept}/mlflow.db"


@pytest.fixture(scope="session")
def reader(uri: str) -> Reader:
    return open_store(Tracking(uri, "gdexp"))


@pytest.fixture(scope="session")
def runs(reader: Reader) -> list[StoredRun]:
    """The eighteen runs of the sweep."""
    found = find(reader, [], "", "gdexp")
    assert len(found) == 18
    return found
