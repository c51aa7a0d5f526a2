"""Streams as a user meets them: whole commands."""

import csv
import io
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdexp.data import Digits
from gdexp.tracking.journal import Reader
from tests import nursery
from tests.conftest import ROOT, Command, command
from tests.engines.test_memory import PEAK
from tests.servers import until
from tests.test_errors import assert_one_line
from tests.test_readme import words as rounded
from tests.tracking.test_killed import start, status

EXACT = ("engine=reference", "tracking=off")


def digits(form: str, count: int = 1300) -> str:
    """Write the training digits as lines of text."""
    train = Digits().load().train
    rows = [[*x.tolist(), int(y)] for x, y in zip(train.inputs, train.labels, strict=True)][:count]
    if form == "json":
        return "".join(json.dumps({"x": row[:-1], "y": row[-1]}) + "\n" for row in rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def records(outputs: Path) -> list[dict[str, Any]]:
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    return list(Reader(journal.parent).new())


def arrays(outputs: Path) -> dict[str, Any]:
    (model,) = outputs.glob("runs/*/*/model.npz")
    with np.load(model) as found:
        return dict(found)


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What an epoch in order gives, of each size of mini-batch."""
    inorder = ["optimizer=sgd", "optimizer.sampling=in_order", "epochs=1"]
    given = {}
    for batch in ("10", "64"):
        folder = tmp_path_factory.mktemp(batch)
        command(*inorder, f"batch={batch}", *EXACT, outputs=folder, cwd=folder)
        given[batch] = arrays(folder)
    return given


@pytest.mark.parametrize(
    ("source", "batch"),
    [
        *((source, "10") for source in ("csv", "json", "redirected", "file", "held")),
        *(("csv", "64"), ("held", "64")),
    ],
)
def test_a_stream_is_one_epoch_in_order_bit_for_bit(
    source: str,
    batch: str,
    in_order: dict[str, dict[str, Any]],
    gdexp: Command,
    outputs: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "digits.csv"
    path.write_text(digits("csv"))
    words = ["optimizer=stream", f"batch={batch}", *EXACT]
    if source == "redirected":
        with path.open() as file:
            process = reading(file.fileno(), outputs, *words, "data=stdin", "data.scale=16")
            process.communicate(60)
            assert process.returncode == 0
    elif source == "file":
        gdexp(*words, "data=file", f"data.path={path}", "data.idle=0", "data.scale=16")
    elif source == "held":
        gdexp(*words, "data=digits")
    else:
        gdexp(*words, "data=stdin", "data.scale=16", stdin=digits(source))
    expected, got = in_order[batch], arrays(outputs)
    assert set(got) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array)


def test_a_run_says_what_it_saw(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("optimizer=stream", "data=stdin", "data.scale=16", stdin=digits("csv"))
    assert ran.returncode == 0, ran.stderr
    assert "64-30-10 on standard input" in ran.stdout
    assert re.search(r"after 1,300 examples +last 1,000 seen\n", ran.stdout)
    assert "the source ended after 1,300 examples" in ran.stdout
    assert "tracked  as run" in ran.stdout
    start_, first, last, end = records(outputs)
    assert (start_["kind"], end["status"]) == ("start", "FINISHED")
    assert first["metrics"]["progress/examples"] == 1000
    assert last["metrics"]["progress/examples"] == 1300
    assert {"stream/cost_weighted", "stream/accuracy_all", "train/accuracy"} <= set(last["metrics"])
    (history,) = outputs.glob("runs/*/*/history.csv")
    assert len(history.read_text().splitlines()) == 3


def test_it_ends_after_so_many_examples_without_waiting_for_more(
    gdexp: Command, outputs: Path
) -> None:
    ran = gdexp("optimizer=stream", "stream.examples=1234", "batch=100", *EXACT)
    assert "1,234 examples were taken, as many as were asked for" in ran.stdout
    assert records(outputs)[-2]["metrics"]["progress/examples"] == 1234
    with piped(digits("csv", 5), outputs.parent / "waiting", "stream.examples=5") as process:
        assert process.wait(timeout=60) == 0, "standard input is still open"


def reading(stdin: int, outputs: Path, *words: str, **env: str) -> nursery.Started:
    """Start a command that reads a file or a pipe of ours, and go on."""
    out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
    env = {**os.environ, "GDEXP_OUTPUTS": str(outputs), **env}
    fds = [stdin, out.fileno(), err.fileno()]
    link = nursery.order(nursery.COMMAND, words, str(Path.cwd()), env, fds)
    return nursery.Started(link, out, err)


@contextmanager
def piped(lines: str, outputs: Path, *words: str) -> Iterator[nursery.Started]:
    """Start a command whose standard input has so much, and stays open."""
    theirs, ours = os.pipe()
    process = reading(theirs, outputs, "optimizer=stream", "data=stdin", *words, "tracking=off")
    os.close(theirs)
    with os.fdopen(ours, "w") as file:
        file.write(lines)
        file.flush()
        try:
            yield process
        finally:
            process.kill()
            process.communicate(60)


def test_it_ends_after_so_many_seconds_though_nothing_comes(outputs: Path) -> None:
    with piped(digits("csv", 7), outputs, "stream.seconds=0.5") as process:
        assert process.wait(timeout=60) == 0, "standard input is still open"
    stdout, _ = process.printed()
    assert "after 7 examples" in stdout
    assert "the 0.5 seconds of stream.seconds are over" in stdout


def journalled(outputs: Path) -> Callable[[], bool]:
    return lambda: any(outputs.glob("runs/*/*/journal.jsonl"))


def test_ctrl_c_while_it_waits_keeps_what_was_seen(outputs: Path) -> None:
    with piped(digits("csv", 25), outputs) as process:
        until(journalled(outputs))
        signal.sigtimedwait([], 0.5)  # it learns from two mini-batches, and waits
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    _, stderr = process.printed()
    assert "stopped after report 1" in stderr
    assert "Traceback" not in stderr
    _, seen, end = records(outputs)
    assert seen["metrics"]["progress/examples"] == 20
    assert (end["status"], end["tags"]["gdexp.reason"]) == ("KILLED", "interrupted (Ctrl-C)")


def test_a_terminated_stream_is_killed_in_the_store(outputs: Path) -> None:
    process = start(outputs, "optimizer=stream", "data.enough=1000000000", "stream.report=100")
    until(lambda: [*outputs.glob("runs/*/*/mlflow.json")])
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "tracked  as run" in stdout
    assert re.search(r"stopped after report \d+", stderr)
    assert status(outputs) == [("KILLED", "killed")]
    *_, seen, end = records(outputs)
    assert (seen["kind"], end["status"]) == ("epoch", "KILLED")


BAD = digits("csv", 40).replace("\n", "\n1,2,oops\n", 1)


def test_a_bad_line_is_fatal_and_named(gdexp: Command, outputs: Path) -> None:
    words = ["optimizer=stream", "data=stdin", "data.scale=16", "tracking=off"]
    ran = gdexp(*words, stdin=BAD)
    assert ran.returncode == 1
    told = "standard input, line 2: holds 'oops', which is not a number"
    assert_one_line(ran.stderr, told, "stream.bad_lines=skip")
    assert records(outputs)[-1]["status"] == "FAILED"
    assert told in records(outputs)[-1]["tags"]["gdexp.reason"]


def test_or_it_is_skipped_named_and_counted(gdexp: Command, outputs: Path) -> None:
    words = ["optimizer=stream", "data=stdin", "data.scale=16", "stream.bad_lines=skip"]
    ran = gdexp(*words, "tracking=off", stdin=BAD)
    assert ran.returncode == 0
    assert "standard input, line 2: holds 'oops', which is not a number; skipped" in ran.stderr
    assert "after 40 examples" in ran.stdout
    assert "; 1 line skipped that did not parse" in ran.stdout
    assert records(outputs)[-2]["metrics"]["stream/skipped_lines"] == 1


MISTAKES = {
    "optimizer=stream data=stdin": ["data=stdin: standard input holds no example", "Pipe lines"],
    "optimizer=stream scaling=mean": ["scaling.cost=mean", "nobody knows n", "running"],
    "optimizer=stream epochs=3": ["epochs: a stream is gone through once", "stream.examples"],
    "optimizer=stream penalty=l2": ["penalty: ", "m/n", "adamw"],
    "optimizer=stream stop=budget stop.updates=3": ["stop: ", "stream.examples=50000"],
    "optimizer=stream schedule=exponential": ["schedule: ", "schedule.by=update"],
    "optimizer=stream schedule=plateau": ["schedule: ", "schedule.by=update"],
    "optimizer=stream data=mnist schedule=cosine schedule.by=update": [
        "stream.examples must be set"
    ],
    "optimizer=stream optimizer.sampling=shuffle": [
        "optimizer.sampling: means something only with optimizer=sgd"
    ],
    "optimizer=stream engine=compiled": ["engine=compiled", "no streams", "engine=auto"],
    "optimizer=stream batch=0": ["batch must be a whole number >= 1. Got 0."],
    "optimizer=stream stream.bad_lines=mend": ["stream.bad_lines must be one of fail, skip"],
    "optimizer=stream stream.report=0": ["stream.report must be a whole number >= 1"],
    "optimizer=stream stream.seconds=0": ["stream.seconds must be a finite number > 0"],
    "optimizer=stream data.noise=-1": ["data.noise must be a finite number >= 0"],
    "optimizer=stream data=file": ["data.path must be the path of a file", "Got None"],
    "optimizer=stream data=file data.path=nowhere.csv": ["data.path: cannot read nowhere.csv"],
    "optimizer=gd data=stdin": ["data=stdin: ", "Write optimizer=stream data=stdin"],
    "data=distorted": ["data=distorted: ", "Write optimizer=stream data=distorted"],
    "scaling=running": ["scaling.cost=running", "optimizer=stream", "scaling.cost=mean"],
    "stream.examples=100": ["stream.examples: means something only with optimizer=stream"],
    "optimizer=stream problem=function": ["optimizer=stream: only problem=network"],
    "optimizer=stream problem=linear_regression data=houses": ["only problem=network"],
    "optimizer=stream diagnostics=norms": ["diagnostics: ", "a stream holds none"],
    "find-eta optimizer=stream": ["find-eta goes through examples that are held"],
    "optimizer=stream ~stream": ["stream: goes with optimizer=stream"],
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_cannot_be_is_told_in_one_line(
    words: str, inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        ran = inside(*words.split())
    assert_one_line(ran.stderr, *MISTAKES[words])
    assert ran.returncode == 1
    assert not [*outputs.rglob("journal.jsonl")]


def test_a_rule_a_schedule_and_clipping_go_with_it(gdexp: Command) -> None:
    words = ["rule=adam", "schedule=cosine", "schedule.by=update", "clip=1.0", "scaling.cost=sum"]
    ran = gdexp("optimizer=stream", "stream.examples=20000", *words, "tracking=off")
    assert ran.returncode == 0, ran.stderr
    assert float(re.search(r"accuracy +([\d.]+)%", ran.stdout)[1]) > 80  # type: ignore[index]


def test_regression_learns_from_numbers(gdexp: Command) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    rows = (f"{a!r},{b!r},{a - 2 * b + 1!r}\n" for a, b in x.tolist())
    words = ["data=stdin", "data.classes=0", "architecture=regression", "eta=0.03"]
    ran = gdexp("optimizer=stream", *words, "tracking=off", stdin="a,b,y\n" + "".join(rows))
    assert ran.returncode == 0, ran.stderr
    cost = float(re.search(r"cost, mean \(1/n\) +([\d.e-]+)", ran.stdout)[1])  # type: ignore[index]
    assert cost < 0.1 * 0.5 * 6, "a tenth of what the mean would cost: half the variance, 1 + 4"


def peak(outputs: Path, *words: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, "optimizer=stream", *words, "tracking=off"],
        env={**os.environ, "GDEXP_OUTPUTS": str(outputs)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    exit_status, megabytes = ran.stdout.split()[-2:]
    assert exit_status == "0", ran.stderr
    return int(megabytes)


def test_memory_does_not_grow_with_the_stream(outputs: Path) -> None:
    few = ["stream.examples=2000", "stream.report=10"]
    many = ["stream.examples=40000", "stream.report=10"]  # as many reports as of four million
    assert peak(outputs, *many) <= peak(outputs, *few) + 8  # MB
    tables = [each.read_text().count("\n") for each in outputs.glob("runs/*/*/history.csv")]
    assert sorted(tables) == [201, 4_001], "every report is in the table, also where few are held"


def test_a_curve_whose_length_nobody_knew_gets_sparser(gdexp: Command, outputs: Path) -> None:
    words = ["optimizer=stream", "data=stdin", "data.scale=16", "stream.report=1", "batch=1"]
    ran = gdexp(*words, stdin=digits("csv"))
    assert "tracked  as run" in ran.stdout
    with sqlite3.connect(outputs / "mlflow.db") as store:
        found = store.execute("SELECT step FROM metrics WHERE key = 'train/accuracy'").fetchall()
    steps = sorted(step for (step,) in found)
    assert steps[:320] == [*range(1, 321)]
    assert steps[320:] == [*range(322, 641, 2), *range(644, 1281, 4), *range(1288, 1301, 8), 1300]


def test_runs_that_differ_by_their_seed_are_one_variant(gdexp: Command, outputs: Path) -> None:
    gdexp("-m", "optimizer=stream", "stream.examples=100", "seed=0,1", "tracking=off")
    journals = sorted(outputs.glob("sweeps/*/*/*/journal.jsonl"))
    first, second = (next(Reader(each.parent).new()) for each in journals)
    assert first["tags"]["gdexp.group_key"] == second["tags"]["gdexp.group_key"]
    assert first["tags"]["gdexp.config_hash"] != second["tags"]["gdexp.config_hash"]
    assert first["name"] == "distorted running stream m=10 eta=3 s=0"


PAGE = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()
]
FILES, PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the files that the page writes."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(FILES, "streams.md", "exec"), {})
    return folder


@pytest.mark.parametrize("line", COMMANDS[1:])  # what the first one shows is looked at below
def test_every_command_of_the_page_runs(
    line: str,
    gdexp: Command,
    outputs: Path,
    files: Path,
    mnist_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of long streams the first examples, and of waits a moment."""
    monkeypatch.chdir(files)
    short = line.replace("=20000", "=2000").replace("seconds=2", "seconds=0.5")
    short = short.replace("idle=1", "idle=0.1")
    short = short.replace("data=mnist", "data=mnist stream.examples=4000")
    env = {"GDEXP_DATA": str(mnist_root), "GDEXP_OUTPUTS": str(outputs)}
    if {"|", "<"} & set(short):
        typed = short.replace("python -m gdexp", f"{sys.executable} -m gdexp tracking=off")
        env = {**os.environ, **env}
        ran = subprocess.run(["bash", "-c", typed], env=env, capture_output=True, text=True)
    else:
        ran = gdexp(*shlex.split(short)[3:], "tracking=off", cwd=files, **env)
    assert ran.returncode == 0, ran.stderr
    assert " examples " in ran.stdout
    assert records(outputs)[-1]["status"] == "FINISHED"


def test_the_summary_that_the_page_shows_is_that_of_its_first_command(gdexp: Command) -> None:
    (shown,) = re.findall(r"```\n(64-30-10.*?)\n```", PAGE, re.S)
    same = ["engine=reference", "engine.precision=float32"]  # which auto takes for any stream
    ran = gdexp(*COMMANDS[0].split()[3:], *same, "tracking=off")
    assert rounded(ran.stdout.strip().partition("\ntime ")[0]) == rounded(shown)


def test_the_python_that_the_page_shows_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PYTHON, "streams.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 3
