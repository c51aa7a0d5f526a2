"""A run that was interrupted goes on as if it had not been, bit for bit."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gdexp import experiment
from gdexp.commands import resume
from gdexp.engines.compiled.engine import installed
from gdexp.errors import Terminated
from gdexp.keeper import Keeper
from gdexp.tracking import Reader, checkpoint, environment
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, seal, unseal
from tests.conftest import ROOT, Command
from tests.kills import told

KILLS = int(os.environ.get("GDEXP_KILLS", "30"))  # 200 of them take more than a minute
FAST = "engine=compiled" if installed() else "engine=reference"
RUNS = [
    "optimizer=gd eta=1 epochs=40 engine=reference",
    f"rule=adam schedule=cosine {FAST} epochs=20",
    "optimizer=online eta=0.3 engine=blas epochs=3 checkpoint.seconds=0.05",
    "rule=momentum penalty=l2 clip=1.0 stop=early stop.patience=2 engine=reference epochs=6",
    f"rule=adamw schedule=plateau schedule.patience=2 {FAST} epochs=15",
    "rule=rmsprop schedule=step schedule.by=update engine=reference epochs=6 batch=50"
    " journal.updates=true",
    "rule=adagrad optimizer.sampling=with_replacement eval.every=3 engine=reference epochs=11"
    " batch=50",
    "rule=nesterov schedule=exponential stop=budget stop.examples=7000 engine=reference batch=30"
    " journal.updates=true",
    "rule=fixed_length penalty=l1 stop=target stop.accuracy=0.8 engine=reference epochs=5 batch=30",
    f"batch=7 optimizer.last=drop schedule=inverse {FAST} epochs=15 scaling=sum eta=0.2",
    "stop=tolerance stop.tolerance=0.01 engine=blas engine.precision=float64 epochs=9",
    "cost=cross_entropy architecture.output_activation=softmax eta=0.5 engine=blas epochs=9"
    " checkpoint.seconds=null",
    "problem=function function=rosenbrock rule=adam eta=0.1 epochs=90 checkpoint.seconds=0.02"
    " problem.draw=false",
    "problem=linear_regression data=houses epochs=60 problem.draw=false",
    "diagnostics=[norms,noise,weights] diagnostics.noise.repeats=2 epochs=4 batch=50"
    " diagnostics.noise.ladder=[1,10] diagnostics.weights.every=2 engine=reference",
]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is such: to wait for a disk takes longer than to train."""
    if not Path("/dev/shm").is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_no_kill_loses_or_changes_anything(memory: Path) -> None:
    often = "tracking=off checkpoint.seconds=0"
    runs = [f"{often} {words}" for words in RUNS]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kills", str(memory / "runs"), str(KILLS), "5", *runs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert found["kills"] >= KILLS
    assert found["other"] == []


WORDS = ["tracking=off", "epochs=9", "batch=100", "engine=reference", "checkpoint.seconds=0"]
Break = Callable[..., Path]


@pytest.fixture
def broken_off(inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Break:
    """Start a run that a signal ends after its fifth epoch; gives its folder."""

    def start(*words: str, number: int = signal.SIGINT) -> Path:
        passed = Keeper.passed

        def end(keeper: Keeper) -> None:
            passed(keeper)
            if keeper._state.epoch == 5:
                os.kill(os.getpid(), number)

        with monkeypatch.context() as patch:
            patch.setattr(Keeper, "passed", end)
            with pytest.raises((KeyboardInterrupt, Terminated)):
                inside(*WORDS, *words)
        return next(file.parent for file in outputs.glob("runs/*/*/run.lock"))

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_end_goes_on(
    number: int, broken_off: Break, inside: Command, outputs: Path
) -> None:
    folder = broken_off(number=number)
    assert inside(*WORDS).returncode == 0
    (alone,) = (file.parent for file in outputs.glob("runs/*/*/model.npz"))
    ran = inside("resume", str(folder))
    assert ran.returncode == 0, ran.stderr
    assert "going on from epoch 5\n" in ran.stderr
    assert "after 9 epochs" in ran.stdout
    assert told(folder) == told(alone)
    kinds = [record["kind"] for record in Reader(folder).new()]
    assert kinds == ["start", *["epoch"] * 6, "end", "resume", *["epoch"] * 4, "end"]
    assert not (folder / "checkpoints").exists()
    assert {file.name for file in folder.iterdir()} == {file.name for file in alone.iterdir()}
    again = inside("resume", str(folder))
    assert "this run is finished; there is nothing to resume" in again.stderr


def test_without_a_checkpoint_all_is_compared(broken_off: Break, inside: Command) -> None:
    folder = broken_off("checkpoint.seconds=null")
    ran = inside("resume", str(folder))
    assert ran.returncode == 0, ran.stderr
    assert "going on from the start: there is no checkpoint; up to epoch 5" in ran.stderr


@pytest.mark.parametrize(
    ("word", "told"),
    [("nowhere/at/all", "there is no such folder"), (".", "this folder holds no run")],
)
def test_a_folder_that_is_none_is_refused(word: str, told: str, inside: Command) -> None:
    ran = inside("resume", word)
    assert ran.returncode == 1
    assert told in ran.stderr


def test_a_run_that_goes_on_elsewhere_is_refused(broken_off: Break, inside: Command) -> None:
    folder = broken_off()
    hold = Hold(folder, RUN)
    assert "still going on, in another process" in inside("resume", str(folder)).stderr
    hold.let_go()
    rewrite(folder, lambda records: records[:-1])  # its end was not written
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "another")
        assert "may be going on there" in inside("resume", str(folder)).stderr
    assert inside("resume", str(folder)).returncode == 0


def test_other_code_needs_force(
    broken_off: Break, inside: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, code = broken_off(), environment.code()
    monkeypatch.setattr(resume, "code", lambda: {**code, "numpy": "9.9"})
    ran = inside("resume", str(folder))
    assert ran.returncode == 1
    assert f"(numpy {code['numpy']} is now 9.9)" in ran.stderr
    assert inside("resume", str(folder), "--force").returncode == 0


def test_other_data_are_refused(broken_off: Break, inside: Command, tmp_path: Path) -> None:
    rows = [f"{k % 7},{k % 3},{'ab'[k % 2]}" for k in range(400)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["x,y,label", *rows]))
    folder = broken_off("data=csv", f"data.path={table}", "data.target=label")
    table.write_text("\n".join(["x,y,label", *rows]).replace("3,0,b", "3,9,b", 1))
    experiment._loaded.cache_clear()  # as in another process
    ran = inside("resume", str(folder), "--force")
    assert ran.returncode == 1
    assert "the data are not those that the run began with" in ran.stderr


def test_a_stream_is_refused(outputs: Path, inside: Command) -> None:
    words = ["optimizer=stream", "stream.examples=3000", "tracking=off"]
    assert inside(*words).returncode == 0
    (folder,) = (file.parent for file in outputs.glob("runs/*/*/journal.jsonl"))
    rewrite(folder, lambda records: records[:-1])
    assert "a run on a stream cannot be resumed" in inside("resume", str(folder)).stderr


def test_a_class_that_is_not_of_the_menu_is_not_made(broken_off: Break, inside: Command) -> None:
    folder = broken_off()

    def foreign(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        records[0]["config"]["rule"] = {"_target_": "pathlib.Path.unlink", "self": "x"}
        return records

    rewrite(folder, foreign)
    ran = inside("resume", str(folder))
    assert "rule._target_ must be one of gdexp's own classes" in ran.stderr


def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    broken_off: Break, inside: Command
) -> None:
    folder = broken_off()
    newest, _ = checkpoint.listed(folder)
    newest.write_bytes(newest.read_bytes()[:-1])
    ran = inside("resume", str(folder))
    assert ran.returncode == 0, ran.stderr
    assert f"{newest.name}: the checkpoint is damaged" in ran.stderr
    assert "going on from epoch 4; up to epoch 5 it is compared" in ran.stderr


def test_a_torn_end_is_dropped_and_damage_before_it_is_named(
    broken_off: Break, inside: Command
) -> None:
    folder = broken_off()
    path = folder / NAME
    whole = path.read_text()
    path.write_text(whole.replace('"epoch":3', '"epoch":8', 1))
    ran = inside("resume", str(folder))
    assert ran.returncode == 1
    assert f"{NAME}, line 5: checksum does not match" in ran.stderr
    path.write_text(whole[:-30])
    ran = inside("resume", str(folder))
    assert ran.returncode == 0, ran.stderr
    assert "line 8 was torn, as by a power cut, and dropped" in ran.stderr


def test_an_epoch_that_comes_out_otherwise_ends_the_run(broken_off: Break, inside: Command) -> None:
    folder = broken_off("checkpoint.seconds=null")

    def other(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        records[3]["metrics"]["val/accuracy"] += 1e-9
        return records

    rewrite(folder, other)
    ran = inside("resume", str(folder))
    assert ran.returncode == 1
    assert "epoch 2, gone through again, has val/accuracy" in ran.stderr
    *_, last = Reader(folder).new()
    assert (last["kind"], last["status"]) == ("end", "FAILED")


def rewrite(folder: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change a journal as nobody should, with checksums that are right."""
    path = folder / NAME
    records = change([unseal(line) for line in path.read_text().splitlines()])
    path.write_text("".join(seal(record) + "\n" for record in records))
