"""Runs from Python: the command's own, checked as there, and without a trace in the process."""

import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.version import VersionBase

import gdexp
from gdexp.api import running
from gdexp.errors import GdexpError
from gdexp.tracking import Reader
from tests.conftest import CONF, ROOT, Command

OFF = ["tracking=off", "epochs=2"]


@pytest.fixture(autouse=True)
def _outputs(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDEXP_OUTPUTS", str(outputs))


def quiet(*words: str) -> gdexp.Run:
    return gdexp.run([*OFF, *words], progress=False)


def without_times(file: Path) -> pd.DataFrame:
    return pd.read_csv(file).drop(columns="progress/seconds")


def test_it_is_the_run_of_the_command_line(inside: Command, outputs: Path) -> None:
    words = ["optimizer=sgd", "batch=20", "rule=momentum", "scaling=sum", "eta=0.02"]
    done = quiet(*words)
    assert inside(*OFF, *words).returncode == 0
    ours, theirs = sorted(outputs.glob("runs/*/*"))
    assert ours == done.folder
    pd.testing.assert_frame_equal(
        without_times(ours / "history.csv"), without_times(theirs / "history.csv")
    )
    for name in ("config/resolved.yaml", "config/overrides.yaml", "command.txt", "model.npz"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()


def test_what_it_gives(capsys: pytest.CaptureFixture[str]) -> None:
    done = gdexp.run([*OFF, "architecture.hidden=[7]", "optimizer=online", "eta=0.3"])
    told = capsys.readouterr()
    assert told.out == ""
    assert "epoch 2/2" in told.err
    *_, end = Reader(done.folder).new()
    assert (done.id, done.outcome) == (None, end["tags"]["gdexp.outcome"])
    assert done.figures == end["metrics"]
    assert list(done.epochs["epoch"]) == [0, 1, 2]
    assert done.epochs["val/accuracy"].max() == done.figures["best/val_accuracy"]
    shapes = {name: array.shape for name, array in done.parameters.items()}
    assert shapes == {"w1": (7, 64), "b1": (7,), "w2": (10, 7), "b2": (10,)}
    assert done.config["architecture"]["hidden"] == [7]
    what, where = repr(done).splitlines()
    assert re.match(r"7 online eta=0.3 s=0: test accuracy \d\d\.\d\d% .* after 2 epochs", what)
    assert where == f"not tracked, in {done.folder}"


def test_problems_without_accuracy() -> None:
    done = quiet("problem=function", "problem.draw=false")
    assert "train/cost_mean" in done.epochs
    assert all(np.isfinite(array).all() for array in done.parameters.values())


def hydras_own() -> tuple[Any, ...]:
    told = HydraConfig.instance().cfg
    return GlobalHydra.instance().hydra, told, VersionBase.instance().getbase()


def test_nothing_of_it_stays_in_the_process(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GDEXP_OUTPUTS")
    monkeypatch.setattr("gdexp.places.checkout", lambda: None)
    monkeypatch.chdir(outputs.parent)
    before, variables = hydras_own(), dict(os.environ)
    for seed in (0, 1):
        assert quiet(f"seed={seed}").folder.is_relative_to(outputs)
        with pytest.raises(GdexpError):
            quiet("batch=x")
    assert hydras_own() == before
    assert dict(os.environ) == variables


def test_a_program_of_hydras_can_use_it() -> None:
    with initialize_config_dir(str(CONF / "stop"), version_base="1.2"):
        before = hydras_own()
        done = quiet()
        assert hydras_own() == before
        assert "_target_" in compose("early")  # its own configuration is still there
    assert len(done.epochs) == 3


def test_it_runs_in_a_thread() -> None:
    found: list[gdexp.Run] = []
    thread = threading.Thread(target=lambda: found.append(quiet()))
    thread.start()
    thread.join()
    assert len(found[0].epochs) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["batch=x"], "batch must be a whole number >= 1. Got 'x'."),
        (["batch=1,10"], "batch=1,10: several values make a sweep. Call run for each."),
        (["bach=10"], "bach: no such setting. Did you mean batch?"),
        (["optimizer=nope"], "optimizer must be one of gd, online, sgd, stream."),
        (["optimizer=null"], "optimizer=null: must name an option."),
        (["optimizer=gd", "batch=3"], "means something only with optimizer=sgd"),
        (["-m"], "overrides must be settings of one run, such as 'batch=10'. Got '-m'."),
        ([3], "Got 3."),
        ("batch=10", "overrides must be a list. Got 'batch=10'. Write ['batch=10']."),
        (["epochs"], "cannot be read"),
        (["data=mnist", "data.root=/nowhere", "data.mirrors=[]", *OFF], "MNIST is incomplete"),
        (["tracking.uri=nowhere"], "tracking.uri must be a URI"),
        (["outputs=/proc/nowhere", "tracking=off"], "cannot write to /proc/nowhere"),
    ],
)
def test_a_mistake_is_one_line(words: Any, told: str, outputs: Path) -> None:
    with pytest.raises(GdexpError) as refused:
        gdexp.run(words, progress=False)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not [*outputs.rglob("*")]


def test_a_tracker_that_fails_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gdexp.tracking.feeder.subprocess", subprocess)  # not a fork of the tests'
    monkeypatch.setattr("gdexp.tracking.feeder.sys.executable", "/bin/false")
    with pytest.warns(UserWarning, match=r"^not tracked yet: the feeder ended; .*feeder\.log"):
        done = gdexp.run(["epochs=1"], progress=False)
    complete = [feeder.finish() for feeder in running._session.feeders.values()]
    assert not all(complete)
    running._session.feeders.clear()
    assert done.id is None
    assert len(done.epochs) == 2


def test_the_page_runs(outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    run, sweep, stored = re.findall(r"```python\n(.*?)```", page, re.S)
    try:
        for code in (run, run, sweep, stored):
            known: dict[str, Any] = {}
            exec(compile(code, "python.md", "exec"), known)
            if code == sweep:
                assert known["best"][1] > known["best"][100]
        table, curves = gdexp.runs(), gdexp.epochs("latest", metrics=["val/accuracy"])
        assert len(table) == 2
        assert list(curves) == ["run", "epoch", "val/accuracy"]
        assert table.index[0] == curves["run"][0]
        assert f"run {table.index[0][:8]}, in" in capsys.readouterr().out
    finally:
        for feeder in running._session.feeders.values():
            feeder.finish()
        running._session.feeders.clear()
