"""Runs repeated from their records: bit-identical, told apart, or refused."""

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import gdexp
from gdexp.api import running
from gdexp.engines.compiled.engine import installed
from gdexp.tracking.journal import seal, unseal
from tests.conftest import ROOT, Command, command
from tests.samples import LINES, table

CASES = {
    "sgd": "",
    "gd": "optimizer=gd eta=1",
    "online": "optimizer=online eta=0.3",
    "in order": "optimizer.sampling=in_order optimizer.last=drop batch=32",
    "with replacement": "optimizer.sampling=with_replacement scaling=sum eta=0.3",
    "fixed length": "rule=fixed_length optimizer=gd",
    "momentum": "rule=momentum penalty=l2 clip=1.0",
    "nesterov": "rule=nesterov schedule=cosine eval.every=2",
    "adagrad": "rule=adagrad penalty=l1",
    "rmsprop": "rule=rmsprop schedule=step",
    "adam": "rule=adam schedule=plateau cost=cross_entropy architecture.output_activation=softmax",
    "adamw": "rule=adamw schedule=exponential stop=early stop.patience=1 epochs=6",
    "inverse": "schedule=inverse scaling.cost=sum stop=target stop.accuracy=0.5",
    "updates": "stop=budget stop.updates=301",
    "by the clock": "stop=budget stop.seconds=0.01 epochs=null",
    "tolerance": "stop=tolerance engine=reference engine.precision=float64",
    "blas": "engine=blas engine.precision=float64",
    "blas, online": "engine=blas optimizer=online eta=0.3 epochs=1",
    "compiled": "engine=compiled batch=1",
    "compiled adam": "engine=compiled rule=adam",
    "diagnostics": "diagnostics=[norms,confusion,noise] epochs=2 diagnostics.noise.repeats=2"
    " diagnostics.noise.ladder=[1,10]",
    "function": "problem=function function=rosenbrock rule=adam eta=0.1 problem.draw=false",
    "formula": "problem=function function.formula=(x-1)**2+x*y+y**2 problem.draw=false",
    "regression": "problem=linear_regression data=houses epochs=9 problem.draw=false",
    "iris": "data=iris architecture=no_hidden scaling=sum eta=0.1",
    "stream": "optimizer=stream stream.examples=2000 stream.report=500",
    "stream by the clock": "optimizer=stream stream.seconds=0.2 stream.report=200",
    "diverged": "optimizer=gd problem=linear_regression data=diabetes eta=1e6",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store, and one process that feeds it."""
    return tmp_path_factory.mktemp("replay") / "outputs"


@pytest.fixture(autouse=True)
def _settings(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDEXP_OUTPUTS", str(outputs))


def run(words: str) -> gdexp.Run:
    usual = [] if "epochs=" in words or "stream" in words else ["epochs=3"]
    return gdexp.run([*usual, *words.split()], progress=False)


@pytest.fixture(scope="module")
def sgd(outputs: Path) -> gdexp.Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GDEXP_OUTPUTS", str(outputs))
        return run("seed=7")


def record(outputs: Path, run_id: str | None) -> Path:
    """The folder of a run's artifacts in the store."""
    return outputs / "artifacts" / "gdexp" / str(run_id) / "artifacts"


@contextmanager
def changed(file: Path, content: bytes | None) -> Iterator[None]:
    """Have other content in a file, or no file, for a while."""
    before = file.read_bytes()
    file.unlink()
    try:
        if content is not None:
            file.write_bytes(content)
        yield
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_a_replay_is_bit_identical(words: str, inside: Command) -> None:
    if "compiled" in words and not installed():
        pytest.skip("not run: no Numba; pip install 'gdexp[compiled]'")
    done = run(words)
    assert done.id
    replayed = inside("replay", done.id)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    first = replayed.stdout.splitlines()[0]
    counted = re.fullmatch(r"bit-identical \((\d[\d,]*) values of \w+ 0 to (\d+)\)", first)
    assert counted, first
    rows = done.epochs
    assert int(counted[2]) == rows["epoch"].max()
    curves = [c for c in rows if c != "epoch" and "seconds" not in c]
    once = [name for name in done.figures if not name.startswith("time/")]
    assert int(counted[1].replace(",", "")) == int(rows[curves].count().sum()) + _nans(done) + len(
        once
    )


def _nans(done: gdexp.Run) -> int:
    """Values that are there and no numbers, which a table takes for missing."""
    text = (done.folder / "history.csv").read_text()
    return len(re.findall(r"\bnan\b", text))


def test_parameters_are_those_of_the_run(sgd: gdexp.Run, inside: Command) -> None:
    replayed = inside("replay", str(sgd.id))
    again = Path(replayed.stdout.rpartition("replay ")[2].strip())
    assert (again / "model.npz").read_bytes() == (sgd.folder / "model.npz").read_bytes()


def test_nothing_of_the_users_is_mixed_in(
    sgd: gdexp.Run, inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdexp.compose.request", None)
    monkeypatch.setattr("hydra.main", None)
    for file in sgd.folder.rglob("*"):  # the run's own folder is not the record
        if file.is_file() and file.name != "model.npz":
            file.rename(f"{file}.away")
    try:
        assert inside("replay", str(sgd.id)).returncode == 0
    finally:
        for file in sgd.folder.rglob("*.away"):
            file.rename(file.with_suffix(""))


def test_a_replay_can_be_tracked(sgd: gdexp.Run, inside: Command, outputs: Path) -> None:
    replayed = inside("replay", str(sgd.id), "--track")
    assert replayed.returncode == 0
    (run_id,) = re.findall(r"tracked  as run (\w+)", replayed.stdout)
    with sqlite3.connect(outputs / "mlflow.db") as store:
        tags = dict(store.execute("select key, value from tags where run_uuid = ?", [run_id]))
    assert tags["gdexp.replay_of"] == sgd.id
    assert tags["gdexp.kind"] == "replay"  # and so no comparison takes it for a run
    assert f"python -m gdexp replay {sgd.id}" in tags["mlflow.note.content"]
    assert run_id not in gdexp.runs().index


def test_an_interrupted_run_is_replayed_as_far_as_it_came(
    inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(self: Any, epoch: Any) -> None:
        if epoch.number == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("gdexp.terminal.Progress.show", show)
    with pytest.raises(KeyboardInterrupt):
        gdexp.run(["epochs=10000", "eval.every=2"])
    monkeypatch.undo()
    monkeypatch.setenv("GDEXP_OUTPUTS", str(outputs))
    folder = max(outputs.glob("runs/*/*"))
    (feeder,) = (each for each in running._session.feeders.values() if folder in each.runs)
    feeder.wait(folder)
    replayed = inside("replay", str(folder))
    assert replayed.returncode == 0, replayed.stderr
    assert "epochs 0 to 4, all that was recorded before the run was stopped)" in replayed.stdout


def test_data_that_moved_are_found_and_checked(inside: Command, tmp_path: Path) -> None:
    file, moved, other = (tmp_path / f"{name}.csv" for name in ("data", "moved", "other"))
    rows = table()
    rows.to_csv(file, index=False)
    done = run(f"data=csv data.path={file} data.target=kind architecture.hidden=[3]")
    file.rename(moved)
    gone = inside("replay", str(done.id))
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "data.path=..." in gone.stderr
    assert inside("replay", str(done.id), f"data.path={moved}").returncode == 0
    rows.loc[3, "length"] += 1e-9
    rows.to_csv(other, index=False)
    differs = inside("replay", str(done.id), f"data.path={other}")
    assert (differs.returncode, differs.stdout) == (2, "")
    assert "the data here are not those of the record" in differs.stderr
    assert len(differs.stderr.splitlines()) == 1


def test_a_stream_from_a_file_is_replayed_and_from_standard_input_refused(
    inside: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines").write_text(LINES)
    words = "optimizer=stream architecture.hidden=[3]"
    file = run(f"{words} data=file data.path={tmp_path / 'lines'} data.idle=0.1")
    replayed = inside("replay", str(file.id))
    assert replayed.stdout.startswith("bit-identical"), replayed.stderr
    with (tmp_path / "lines").open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        piped = run(f"{words} data=stdin")
    refused = inside("replay", str(piped.id))
    assert refused.returncode == 2
    assert "nothing was kept" in refused.stderr


CONFIG = "config/resolved.yaml"
EVIL = b"rule:\n  _target_: %s\n"
HOSTILE = {
    "a class of another library": (
        lambda text: text.replace(b"gdexp.descent.Plain", b"pathlib.Path"),
        "rule._target_ must be one of gdexp's own classes",
    ),
    "a class in a module of its own": (
        lambda text: text.replace(b"gdexp.descent.Plain", b"evil.Rule"),
        "Got 'evil.Rule'",
    ),
    "a class of ours in another place": (
        lambda text: text.replace(b"gdexp.descent.Plain", b"gdexp.data.Csv"),
        "rule._target_ must be",
    ),
    "a class further in": (
        lambda text: text.replace(b"  hidden:\n  - 30\n", b"  hidden:\n  - _target_: os.system\n"),
        "os.system",
    ),
    "a class that is no text": (
        lambda text: text.replace(b"gdexp.descent.Plain", b"[gdexp.descent.Plain]"),
        "rule._target_ must be",
    ),
    "another seed": (
        lambda text: text.replace(b"seed: 7", b"seed: 8"),
        f"contradicts itself, and is not replayed: seed is 8 in {CONFIG}, 7 in journal.jsonl",
    ),
    "another node": (
        lambda text: text.replace(b"clip: null", b"clip: 1.0"),
        f"clip is 1.0 in {CONFIG}, missing in journal.jsonl",
    ),
    "one setting more": (
        lambda text: text + b"more: 1\n",
        f"more is 1 in {CONFIG}, missing in journal.jsonl",
    ),
    "objects of Python": (
        lambda text: text + b"x: !!python/object/apply:os.system ['touch /tmp/evil']\n",
        "is no plain YAML (line 5",
    ),
    "dates": (lambda text: text + b"x: 2026-01-01\n", "a value of type date"),
    "bytes": (lambda text: text + b"x: !!binary aGFsbG8=\n", "a value of type bytes"),
    "aliases": (lambda text: text + b"x: &a [1]\ny: [*a, *a]\n", "repeats nodes by aliases"),
    "depth": (lambda text: text + b"x: " + b"[" * 5000 + b"]" * 5000, "12 nodes within each"),
    "size": (lambda text: text + b"# " + b"x" * 2**19, "a configuration at most 262,144"),
    "digits without end": (lambda text: text + b"x: 1" + b"0" * 5000, "is no plain YAML"),
    "malformed": (lambda text: b"rule: [", "is no plain YAML (line 1"),
    "a list": (lambda text: b"- 1\n", "is no configuration"),
    "nothing": (lambda text: b"", "is no configuration"),
    "no text": (lambda text: b"\xff\xfe\x00", "is no plain YAML"),
    "missing": (lambda text: None, f"cannot read its {CONFIG}"),
}


@pytest.mark.parametrize(("change", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_configuration_that_was_changed_is_refused(
    change: Any, told: str, sgd: gdexp.Run, inside: Command, outputs: Path
) -> None:
    before = {*outputs.glob("replays/*/*")}
    file = record(outputs, sgd.id) / CONFIG
    with changed(file, change(file.read_bytes())):
        refused = inside("replay", str(sgd.id))
    assert refused.returncode == 2
    assert told in refused.stderr
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    assert len(refused.stderr) < 700
    assert {*outputs.glob("replays/*/*")} == before
    assert not Path("/tmp/evil").exists()


def forged(journal: bytes, change: Any) -> bytes:
    """A journal of which records were changed, each with a checksum that fits."""
    records = [unseal(line) for line in journal.decode().splitlines()]
    for each in records:
        each.pop("crc", None)
        change(each)
    return "".join(seal(each) + "\n" for each in records).encode()


def nudge(each: dict[str, Any]) -> None:
    """Change the last bit of one value."""
    if each.get("epoch") == 2:
        cost = each["metrics"]["train/cost_mean"]
        each["metrics"]["train/cost_mean"] = cost * (1 + 2**-52)


def test_one_bit_of_one_value_is_told_apart(sgd: gdexp.Run, inside: Command, outputs: Path) -> None:
    file = record(outputs, sgd.id) / "journal.jsonl"
    with changed(file, forged(file.read_bytes(), nudge)):
        differs = inside("replay", str(sgd.id))
    assert differs.returncode == 1
    shown = re.match(
        r"differs from epoch 2: train/cost_mean (\S+) recorded, (\S+) now\n", differs.stdout
    )
    assert shown
    assert shown[1] != shown[2]
    assert "environment  the same" in differs.stdout


def another_seed(each: dict[str, Any]) -> None:
    if each["kind"] == "start":
        each["config"]["seed"] = 8


def test_a_seed_that_was_changed_everywhere_is_told_apart(
    sgd: gdexp.Run, inside: Command, outputs: Path
) -> None:
    journal, config = (record(outputs, sgd.id) / name for name in ("journal.jsonl", CONFIG))
    with (
        changed(journal, forged(journal.read_bytes(), another_seed)),
        changed(config, config.read_bytes().replace(b"seed: 7", b"seed: 8")),
    ):
        differs = inside("replay", str(sgd.id))
    assert differs.returncode == 1
    assert differs.stdout.startswith("differs from epoch 0: train/cost_mean")
    assert "config_hash" in differs.stdout


def figure(each: dict[str, Any]) -> None:
    if each["kind"] == "end":
        each["metrics"]["final/test_accuracy"] = 1.0


def other_data(each: dict[str, Any]) -> None:
    for data in each.get("datasets", []):
        data["digest"] = "0" * 16


def shapeless(each: dict[str, Any]) -> None:
    each["metrics"] = [1]


JOURNALS = {
    "a figure of the end": (
        lambda text: forged(text, figure),
        "final/test_accuracy is 0.8",
    ),
    "digests": (lambda text: forged(text, other_data), "in the data sets of the store"),
    "a byte": (lambda text: text.replace(b'"epoch":1', b'"epoch":2'), "damaged, at line 3"),
    "shapes": (lambda text: forged(text, shapeless), "its journal.jsonl is damaged"),
    "all": (lambda text: b"", "its journal.jsonl is damaged"),
    "no text": (lambda text: b"\xff\n" + text, "damaged, at line 1"),
}


@pytest.mark.parametrize(("change", "told"), JOURNALS.values(), ids=JOURNALS)
def test_a_journal_that_was_changed_is_refused(
    change: Any, told: str, sgd: gdexp.Run, inside: Command, outputs: Path
) -> None:
    file = record(outputs, sgd.id) / "journal.jsonl"
    with changed(file, change(file.read_bytes())):
        refused = inside("replay", str(sgd.id))
    assert refused.returncode == 2, refused.stdout
    assert told in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_without_a_journal_the_store_is_compared_with(
    sgd: gdexp.Run, inside: Command, outputs: Path
) -> None:
    whole = inside("replay", str(sgd.id)).stdout.splitlines()[0]
    with changed(record(outputs, sgd.id) / "journal.jsonl", None):
        replayed = inside("replay", str(sgd.id))
    assert replayed.stdout.splitlines()[0] == whole
    assert "journal.jsonl is missing" in replayed.stdout
    assert replayed.returncode == 0


def older(environment: bytes) -> bytes:
    told = json.loads(environment)
    told["packages"]["numpy"] = "1.99.0"
    return json.dumps(told).encode()


def test_rounding_in_another_environment_is_told_as_such(
    sgd: gdexp.Run, inside: Command, outputs: Path
) -> None:
    journal, environment = (
        record(outputs, sgd.id) / name for name in ("journal.jsonl", "environment.json")
    )
    with (
        changed(environment, older(environment.read_bytes())),
        changed(journal, forged(journal.read_bytes(), nudge)),
    ):
        rounded = inside("replay", str(sgd.id))
    assert rounded.returncode == 3
    told = r"equal to 1e-1[56] \(environment differs: NumPy 1\.99\.0 -> 2\.\S+\)\n"
    assert re.match(told, rounded.stdout), rounded.stdout


def test_a_configuration_is_read_as_it_was_written(sgd: gdexp.Run, outputs: Path) -> None:
    from gdexp.replay.trusted import parsed

    text = (record(outputs, sgd.id) / CONFIG).read_bytes()
    assert parsed(text) == yaml.safe_load(text) == sgd.config


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nosuchrun"], "there is none such"),
        ([], "required: RUN"),
        (["latest", "nonsense=1"], "unrecognized arguments: nonsense=1"),
        (["latest", "--with-diff"], "--with-diff goes with --in-place"),
        (["latest", "data.path=x"], "Leave it out"),
        (["latest", "tracking.uri=sqlite:////nowhere/mlflow.db"], "there is no store"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], told: str, sgd: gdexp.Run, inside: Command
) -> None:
    words = [str(sgd.id) if word == "latest" else word for word in words]
    ran = inside("replay", *words)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of two commits: this code, and the same under another version."""
    root = tmp_path_factory.mktemp("code") / "gdexp"
    for name in ("gdexp", "conf"):
        begun = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")  # what others are compiling just now
        shutil.copytree(ROOT / name, root / name, ignore=begun)  # with what is compiled of it
    (root / ".gitignore").write_text("__pycache__/\n")
    git(root, "init", "--quiet")
    for version in ("0.0.1", "0.0.2"):
        module = root / "gdexp" / "__init__.py"
        module.write_text(
            re.sub('__version__ = ".*"', f'__version__ = "{version}"', module.read_text())
        )
        git(root, "add", ".")
        git(root, "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "-m", version)
    return root


def git(root: Path, *words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def by(commit: str, dirty: bool) -> Any:
    """Have a record say of which commit its code was."""

    def change(environment: bytes) -> bytes:
        told = json.loads(environment) | {"gdexp": "0.0.1"}
        return json.dumps(told | {"git": {"commit": commit, "dirty": dirty}}).encode()

    return change


def test_a_run_is_replayed_by_the_code_of_its_commit(
    sgd: gdexp.Run, repository: Path, outputs: Path, tmp_path: Path
) -> None:
    file = record(outputs, sgd.id) / "environment.json"
    first = git(repository, "rev-parse", "HEAD~1")
    diff = git(repository, "diff", "HEAD~1", "HEAD").replace("0.0.2", "0.0.3") + "\n"
    for dirty, more, version in ((False, [], "0.0.1"), (True, ["--with-diff"], "0.0.3")):
        (file.parent / "git.diff").write_text(diff)
        with changed(file, by(first, dirty)(file.read_bytes())):
            replayed = command(
                *("replay", str(sgd.id), "--in-place", *more),
                outputs=outputs,
                cwd=tmp_path,
                PYTHONPATH=str(repository),
            )
        (file.parent / "git.diff").unlink()
        assert replayed.returncode == 0, replayed.stderr
        assert replayed.stdout.startswith("bit-identical")
        folder = Path(replayed.stdout.rpartition("replay ")[2].strip())
        ran = json.loads((folder / "environment.json").read_text())
        assert (ran["gdexp"], ran["git"]["commit"]) == (version, first)
        assert len(git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize(
    ("commit", "dirty", "diff", "told"),
    [
        ("HEAD~1", True, "", "of which there is no git.diff"),
        ("HEAD~1", True, "+ evil", "where you trust it, write --in-place --with-diff"),
        ("0" * 40, False, "", "is not in the repository here"),
        ("--upload-pack=evil", False, "", "names no commit"),
    ],
)
def test_code_that_cannot_be_had_or_trusted_is_not_run(
    commit: str,
    dirty: bool,
    diff: str,
    told: str,
    sgd: gdexp.Run,
    repository: Path,
    inside: Command,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gdexp.places.checkout", lambda: repository)
    named = git(repository, "rev-parse", commit) if commit.startswith("HEAD") else commit
    file = record(outputs, sgd.id) / "environment.json"
    extra = file.parent / "git.diff"
    extra.unlink(missing_ok=True)
    if diff:
        extra.write_text(diff)
    try:
        with changed(file, by(named, dirty)(file.read_bytes())):
            refused = inside("replay", str(sgd.id), "--in-place")
    finally:
        extra.unlink(missing_ok=True)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert told in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_what_the_page_shows_is_what_happens(inside: Command, outputs: Path) -> None:
    page = (ROOT / "docs" / "replaying.md").read_text(encoding="utf-8")
    lines, shown = re.findall(r"```sh\n(.*?)```\n\n```\n(.*?)```", page, re.S)[0]
    first, second = (line.split()[3:] for line in lines.splitlines())
    gdexp.run(first, progress=False)
    assert second == ["replay", "latest"]
    replayed = inside(*second)
    assert replayed.returncode == 0
    assert replayed.stdout.splitlines()[0] == shown.splitlines()[0]
    named = [line.split()[:1] for line in shown.splitlines()[1:]]
    assert [line.split()[:1] for line in replayed.stdout.splitlines() if "code" not in line][
        1:
    ] == named
