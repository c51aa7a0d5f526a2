"""launcher=dask on a real cluster of separate processes, which are killed and cut off.

GDEXP_CLUSTER_JOBS says how many jobs there are when that happens: 12 where nobody asks for more.
Where it is set, all is tried that takes long, here and in `test_launchers`.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gdexp.tracking import jobs
from gdexp.tracking.journal import Reader
from tests import nursery
from tests.cluster.machines import PORT, WHOLE, Machine, cluster, until
from tests.conftest import Command
from tests.samples import images
from tests.stores import uri_of
from tests.sweeps.test_local import figures
from tests.sweeps.test_sweeps import OFF, sweep_of

if not find_spec("distributed"):  # importing it here would cost each process of tests a second
    pytest.skip("distributed is not installed", allow_module_level=True)
if sys.platform != "linux":
    pytest.skip("addresses for several machines are had on Linux", allow_module_level=True)
JOBS = int(os.environ.get("GDEXP_CLUSTER_JOBS", "12"))
LONG = (200, 199)  # epochs of the jobs in whose middle something happens


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the command sees, and no worker does."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def machines(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    """A scheduler, and three workers."""
    with cluster(tmp_path_factory.mktemp("machines"), home, 3) as started:
        yield started


def words(machines: list[Machine]) -> list[str]:
    return ["launcher=dask", f"launcher.address=tcp://{machines[0].address}:{PORT}"]


def begin(outputs: Path, *more: str) -> nursery.Started:
    """Start a sweep."""
    return nursery.start(("-m", *more), Path.cwd(), {**os.environ, "GDEXP_OUTPUTS": str(outputs)})


def going(outputs: Path) -> int:
    """Count the jobs that are going, as far as it is known here."""
    found = [state for folder in outputs.glob("sweeps/*/*") for state in jobs.states(folder)]
    return sum(each.status == "RUNNING" for each in found)


@WHOLE
def test_ctrl_c_calls_all_jobs_back(machines: list[Machine], home: Path) -> None:
    process = begin(home, "epochs=1000000", OFF, *words(machines))
    until(lambda: going(home) == 1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "0 of 1 job finished, 1 killed" in stdout
    assert {job.reason for job in jobs.states(sweep_of(home))} == {"interrupted (Ctrl-C)"}
    shutil.rmtree(home / "sweeps")  # the worker is free again: the next test has all three


def test_what_comes_back_is_what_a_run_here_leaves(
    machines: list[Machine], home: Path, inside: Command
) -> None:
    folder = images(home / "images")  # where no worker sees it
    data = ["data=images", f"data.path={folder}", "data.size=6"]
    sweep = ["-m", *data, "seed=0,1,2", "epochs=3", OFF]
    outputs, moved = home / "outputs", home / "basic"
    assert inside(*sweep, "launcher=basic", GDEXP_OUTPUTS=str(outputs)).returncode == 0
    shutil.move(sweep_of(outputs), moved)
    shutil.rmtree(outputs)
    ran = inside(*sweep, *words(machines), GDEXP_OUTPUTS=str(outputs))
    assert ran.returncode == 0, ran.stderr
    for number in ("0", "1", "2"):
        here, there = moved / number, sweep_of(outputs) / number
        assert figures(here) == figures(there)
        names = [sorted(p.relative_to(f).as_posix() for p in f.rglob("*")) for f in (here, there)]
        assert names[0] == names[1]
        with np.load(here / "model.npz") as one, np.load(there / "model.npz") as other:
            for name in one.files:
                np.testing.assert_array_equal(one[name], other[name])


def test_lost_workers_cost_no_job(machines: list[Machine], home: Path) -> None:
    outputs, (_, first, second, third) = home / "lost", machines
    epochs = ",".join(map(str, [*LONG, *range(1, JOBS - 1)]))
    settings = [f"epochs={epochs}", "engine=reference", "checkpoint.seconds=0.5"]
    process = begin(outputs, *settings, *words(machines))
    for number, end in enumerate(("kill", "cut_off")):
        until(lambda number=number: in_its_middle(outputs, number))
        pid = jobs.states(sweep_of(outputs))[number].start["tags"]["gdexp.pid"]
        (machine,) = (each for each in (first, second, third) if str(each.process.pid) == pid)
        getattr(machine, end)()
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 0, stderr
    assert f"{JOBS} of {JOBS} jobs finished" in stdout
    check_journals(sweep_of(outputs))
    check_store(outputs)


def in_its_middle(outputs: Path, number: int) -> bool:
    """Say whether some of a job has come back, and not all."""
    for journal in outputs.glob(f"sweeps/*/*/{number}/journal.jsonl"):
        kinds = [record["kind"] for record in Reader(journal.parent).new()]
        assert "end" not in kinds, "it was too fast"
        return "epoch" in kinds
    return False


def check_journals(sweep: Path) -> None:
    """Each epoch once, whoever trained it, and an end."""
    for job in jobs.states(sweep):
        records = [*Reader(job.folder).new()]
        epochs = [r["epoch"] for r in records if r["kind"] == "epoch"]
        assert epochs == [*range(int(job.varies["epochs"]) + 1)]
        assert [r["kind"] for r in records].count("end") == 1
        assert ("resume" in {r["kind"] for r in records}) == (job.number < len(LONG))
        assert (job.folder / "model.npz").exists()
        assert not (job.folder / "checkpoints").exists()


def check_store(outputs: Path) -> None:
    """Each job is one run that is finished, and each of its points is there once."""
    with sqlite3.connect(uri_of(outputs).removeprefix("sqlite:///")) as store:
        runs = "SELECT status, count(*) FROM runs GROUP BY status"
        assert dict(store.execute(runs).fetchall()) == {"FINISHED": JOBS + 1}
        points = "SELECT count(*), count(DISTINCT run_uuid || key || step) FROM metrics"
        ((every, once),) = store.execute(points).fetchall()
        assert every == once > 100
    store.close()
