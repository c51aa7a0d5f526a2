"""What the tests share: the program as a command, and data sets small enough to loop over."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - brings a BLAS of its own, which is limited below, too
from hypothesis import settings
from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits

from gdexp import cli, signals
from gdexp.data import Dataset, Examples, Mnist
from gdexp.errors import GdexpError
from tests import nursery
from tests.nursery import Nursery

# Several processes of tests share the cores: threads of BLAS would wait for each other in loops.
# What is loaded later is not limited by this.
threadpool_limits(1)

# No test is about time; GDEXP_EXAMPLES says how many examples are tried where a test does not.
EXAMPLES = int(os.environ.get("GDEXP_EXAMPLES", "50"))
settings.register_profile("gdexp", deadline=None, max_examples=EXAMPLES)
settings.load_profile("gdexp")

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"

Command = Callable[..., "subprocess.CompletedProcess[str]"]
LONGEST = (  # of the files of tests, half a minute or more each
    *("test_mlflow", "test_matrix", "test_outages", "test_killed", "test_compiled"),
    *("test_equality", "test_replay", "test_streams", "test_resume", "test_torch", "test_report"),
    *("test_server", "test_resumed", "test_archive", "test_ui", "test_cluster", "test_search"),
    *("test_sweeps", "test_report_page", "test_cli", "test_rules", "test_page", "test_readme"),
)
FIRST = "gw0"  # as pytest-xdist calls the first of its processes
FOREIGN = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "HYDRA_FULL_ERROR")


def pytest_configure(config: pytest.Config) -> None:
    """Have one nursery, for all processes of tests."""
    if not hasattr(config, "workerinput"):
        shared = Nursery()
        config.add_cleanup(shared.close)
        if config.getoption("tx", None):  # processes of tests are to start
            shared.awake()


def pytest_collection(session: pytest.Session) -> None:
    """Have the first of several processes of tests collect them before the others do.

    What is imported, and what pytest makes of the tests, is compiled once, where nobody has yet: on
    a fresh machine that takes three times as long as to collect them, and each would do it.
    """
    worker = getattr(session.config, "workerinput", {"workerid": FIRST})["workerid"]
    end = time.monotonic() + 120
    while worker != FIRST and not _collected().exists() and time.monotonic() < end:
        time.sleep(0.1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files begin first that take longest: at the end, all processes are to have work."""
    of = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: of.get(item.path.stem, len(of)))


def _collected() -> Path:
    return Path(os.environ[nursery.PLACE], "collected")


def pytest_collection_finish() -> None:
    """Leave what the tests import, a million objects, out of what is looked through for garbage."""
    _collected().touch()
    gc.collect()
    gc.freeze()


def command(
    *words: str,
    outputs: Path,
    cwd: Path,
    timeout: float = 120,
    stdin: str = "",
    **env: str,
) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m gdexp`` with these words, as a user would, writing to `outputs`.

    In a fork of an interpreter that has imported what commands import, but where `env` has
    something for an interpreter that starts.
    """
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    begins = any(name.startswith("PYTHON") for name in env)
    env = {**kept, "GDEXP_OUTPUTS": str(outputs), **env}
    if not begins:
        return nursery.run(words, cwd, env, stdin, timeout)
    return subprocess.run(
        [sys.executable, "-m", "gdexp", *words],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture(autouse=True, scope="session")
def _lent_feeders() -> Iterator[None]:
    """Have the feeders of commands inside this process forked, too."""
    lent = SimpleNamespace(Popen=nursery.fork_feeder, PIPE=subprocess.PIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gdexp.tracking.feeder.subprocess", lent)
        yield


@pytest.fixture(autouse=True, scope="module")
def _no_feeders_of_another_module() -> Iterator[None]:
    """End those that runs from Python leave, which would go on to the end of all tests."""
    yield
    running = sys.modules.get("gdexp.api.running")
    if running is not None:
        for feeder in running._session.feeders.values():
            feeder.finish()
        running._session.feeders.clear()


def _forget() -> None:
    # Not only the user's own: mlflow.set_tracking_uri, in one test, sets it for all that follow.
    for name in FOREIGN:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="module")
def _no_foreign_settings_of_a_module() -> None:
    """Keep them from what all tests of a module share, too, which is made before its tests."""
    _forget()


@pytest.fixture(autouse=True)
def _no_foreign_settings() -> None:
    _forget()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """An outputs folder of the test's own."""
    return tmp_path / "outputs"


@pytest.fixture
def gdexp(outputs: Path, tmp_path: Path) -> Command:
    """Run a command that writes to `outputs`, from another folder."""
    return partial(command, outputs=outputs, cwd=tmp_path)


@pytest.fixture
def inside(
    outputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Run a command inside this process, where starting many would take minutes."""

    def run(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        settings = {"HYDRA_FULL_ERROR": "", **env}  # which a command sets for itself
        for name, value in {"GDEXP_OUTPUTS": str(outputs), **settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["gdexp", *words])
        before = {number: signal.getsignal(number) for number in signals.ENDING}
        try:
            status = cli.run(words)
        except GdexpError as error:
            print(error, file=sys.stderr)
            status = 1
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        told = capsys.readouterr()
        return subprocess.CompletedProcess(["gdexp", *words], status, told.out, told.err)

    return run


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder of the real files: GDEXP_DATA, else the cache folder, else downloaded to it."""
    mirrors = OmegaConf.load(CONF / "data" / "mnist.yaml").mirrors
    mnist = Mnist(os.environ.get("GDEXP_DATA"), mirrors)
    try:
        mnist.files()
    except GdexpError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return mnist.folder


@pytest.fixture(scope="session")
def mnist(mnist_root: Path) -> Dataset:
    """Real MNIST."""
    return Mnist(str(mnist_root), ()).load()


def examples(rng: np.random.Generator, n: int, n_in: int, classes: int) -> Examples:
    """Draw examples in [0, 1], every class among them."""
    labels = np.arange(n) % classes
    return Examples(rng.random((n, n_in)), rng.permutation(labels))


def small_dataset(n: int = 23, n_in: int = 6, classes: int = 3, seed: int = 0) -> Dataset:
    """Draw a data set of which the loops of a test make light work."""
    rng = np.random.default_rng(seed)
    train, validation, test = (examples(rng, size, n_in, classes) for size in (n, 7, 7))
    return Dataset("small", train, validation, test, classes=classes, source="drawn")
