"""A cluster on this machine; and launchers of Hydra's users, which keep working beside ours."""

import os
import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gdexp.process import alive
from tests.cluster.machines import WHOLE, until
from tests.conftest import ROOT, Command
from tests.sweeps.test_sweeps import OFF, sweep_of
from tests.tracking.test_killed import start_anew


@pytest.mark.parametrize("launcher", ["joblib", pytest.param("submitit_local", marks=WHOLE)])
def test_a_published_launcher_carries_a_sweep_out(
    launcher: str, gdexp: Command, outputs: Path
) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    ran = gdexp("-m", "seed=0,1", "epochs=1", OFF, f"launcher={launcher}")
    assert ran.returncode == 0, ran.stderr
    assert "2 of 2 jobs finished" in ran.stdout
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 2


def test_the_command_of_the_doc_runs(gdexp: Command, outputs: Path) -> None:
    pytest.importorskip("distributed")
    doc = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```sh\n(python -m gdexp .*)\n```", doc)
    ran = gdexp(*shlex.split(line)[3:], OFF)
    assert ran.returncode == 0, ran.stderr
    assert "4 of 4 jobs done; best: job " in ran.stderr
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 4


# What dask-jobqueue calls of a queue; a job begins at once, as a process of its own.
QUEUE = {
    "sbatch": """
        [ -e {place}/closed ] && { echo "sbatch: error: invalid partition" >&2; exit 1; }
        cp "$1" {place}/job.sh  # as SLURM does: whoever asks removes its own at once
        setsid bash {place}/job.sh > {place}/worker.log 2>&1 & echo $! | tee -a {place}/jobs
    """,
    "scancel": "kill -- -$1",
}
ASKED = {"cores": 1, "processes": 1, "memory": "1GB"}
SLURM = ("-m", "seed=0,1", OFF, "launcher=dask", "launcher.cluster=slurm", "launcher.workers=1")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of a queue that this machine has for a while, in the manner of SLURM's."""
    pytest.importorskip("dask_jobqueue")
    for name, text in QUEUE.items():
        (tmp_path / name).write_text("#!/bin/bash\n" + text.replace("{place}", str(tmp_path)))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, value in ASKED.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name.upper()}", str(value))
    yield tmp_path
    for job in going(tmp_path):
        with suppress(ProcessLookupError):
            os.killpg(job, signal.SIGKILL)


def going(queue: Path) -> list[int]:
    """Give the queue's jobs that have not ended."""
    jobs = (queue / "jobs").read_text().split() if (queue / "jobs").exists() else []
    return [int(job) for job in jobs if alive(int(job))]


def test_workers_of_a_queue_end_with_the_sweep(queue: Path, outputs: Path) -> None:
    command = start_anew(outputs, *SLURM, "epochs=1")  # Dask reads its settings when it is imported
    told, errors = command.communicate(timeout=60)
    assert command.returncode == 0, f"{errors}\n{(queue / 'worker.log').read_text()}"
    assert "2 of 2 jobs finished" in told
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 2
    assert len((queue / "jobs").read_text().split()) == 1
    until(lambda: not going(queue), 20)


def test_a_queue_that_takes_no_workers_says_why(
    queue: Path, inside: Command, outputs: Path
) -> None:
    dask = pytest.importorskip("dask")
    (queue / "closed").touch()
    asked = {f"jobqueue.slurm.{name}": value for name, value in ASKED.items()}
    with dask.config.set(asked):
        ran = inside(*SLURM, "epochs=1")
    assert ran.returncode == 1
    line = ran.stderr.splitlines()[-1]
    assert line.startswith("launcher.cluster=slurm: it does not start (sbatch: error: invalid par")
    assert not [*outputs.rglob("[0-9]/journal.jsonl")]
