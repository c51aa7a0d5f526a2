"""The command line as people meet it: help, commands, folders of their own, progress."""

import json
import os
import pty
import re
import secrets
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import gdexp as package
from gdexp import menu, places
from tests import nursery
from tests.conftest import CONF, ROOT, Command

OPTIONS = sorted(CONF.glob("*/*.yaml"))


def test_help_teaches_groups_options_knobs_and_examples(gdexp: Command) -> None:
    ran = gdexp("--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    for file in OPTIONS:
        assert f"{file.parent.name}=" in ran.stdout
        assert re.search(rf"[* ] {file.stem} ", ran.stdout)
        assert " ".join(menu.about(file).split()) in " ".join(ran.stdout.split())
    for knob in ("batch=10", "eta=3.0", "epochs=30", "seed=0"):
        assert knob in ran.stdout
    examples = ran.stdout.partition("Examples\n")[2].partition("\n\n")[0]
    assert len(re.findall("python -m gdexp", examples)) == 4
    assert max(map(len, ran.stdout.splitlines())) <= 110


def test_help_marks_the_defaults_as_they_are(gdexp: Command) -> None:
    text = gdexp("--help").stdout
    listed = yaml.safe_load((CONF / "config.yaml").read_text())["defaults"]
    for entry in listed:
        for group, option in entry.items() if isinstance(entry, dict) else ():
            if option and not group.startswith("override"):
                assert re.search(rf" \* {option} ", text), option
    assert len(re.findall(r"^ \* ", text, re.M)) == len(menu.defaults())


def test_each_example_of_the_help_is_one_that_runs(gdexp: Command) -> None:
    text = gdexp("--help").stdout.partition("Examples\n")[2].partition("\n\n")[0]
    for line in text.splitlines():
        words = line.strip().removeprefix("python -m gdexp").split()
        ran = gdexp(*words, "epochs=0", "tracking=off", "data=digits")
        assert ran.returncode == 0, (line, ran.stderr)


def test_version(gdexp: Command) -> None:
    assert gdexp("--version").stdout == f"gdexp {package.__version__}\n"


def test_the_console_script_is_the_same_program() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"gdexp": "gdexp.cli:main"}
    script = Path(sys.executable).with_name("gdexp")
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"gdexp {package.__version__}\n"


def test_a_folder_of_ones_own_adds_options(inside: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "architecture"
    mine.mkdir(parents=True)
    (mine / "tiny.yaml").write_text("# my own tiny network\ndefaults: [hidden_30]\nhidden: [3]\n")
    words = ("architecture=tiny", "epochs=1", "tracking=off")
    for flag in (["--config-dir", "mine"], ["--config-dir=mine"]):
        ran = inside(*flag, *words)
        assert ran.returncode == 0, ran.stderr
        assert "64-3-10 on digits" in ran.stdout
        assert re.search("tiny +my own tiny network", inside(*flag, "--help").stdout)
    refused = inside(*words)
    assert "architecture must be one of binary, hidden_100, hidden_30" in refused.stderr


def test_without_a_terminal_progress_is_a_few_plain_lines(gdexp: Command) -> None:
    ran = gdexp("epochs=150", "tracking=off")
    lines = ran.stderr.splitlines()
    seconds = float(re.findall(r"([\d.]+) s in all", ran.stdout)[0])
    assert lines[0].startswith("epoch   0/150  cost ")
    assert lines[-1].startswith("epoch 150/150  cost ")
    assert len(lines) <= 2 + seconds / 0.5
    assert "\x1b" not in ran.stderr + ran.stdout


def test_in_a_terminal_progress_is_a_bar(tmp_path: Path) -> None:
    terminal, other = pty.openpty()
    env = {"GDEXP_OUTPUTS": str(tmp_path / "o"), "TERM": "xterm-256color", "COLUMNS": "120"}
    words, env = ["epochs=40", "tracking=off"], {**os.environ, **env}
    process = nursery.Child(
        nursery.order(nursery.COMMAND, words, str(tmp_path), env, [other, other, other])
    )
    os.close(other)
    seen = b""
    while chunk := read(terminal):
        seen += chunk
    os.close(terminal)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert re.search(r"epoch 40/40 ━+ +cost 0\.0\d+ +val 9\d\.\d\d% test 9", text)
    assert "after 40 epochs" in text


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's word for: the other side has gone
        return b""


def test_the_composed_configuration_can_be_seen(gdexp: Command) -> None:
    ran = gdexp("--cfg", "job", "optimizer=gd", "eta=0.5")
    config = yaml.safe_load(ran.stdout)
    assert config["optimizer"] == {"_target_": "gdexp.descent.FullGradient"}
    assert config["eta"] == 0.5
    assert "batch" not in config


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    words = f"{sys.executable} -m gdexp --help | head -n 1"
    ran = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, text=True)
    assert ran.stdout == "gdexp: exactly repeatable experiments with gradient descent\n"
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_help_can_be_read_in_any_encoding(encoding: str) -> None:
    words = [sys.executable, "-m", "gdexp", "help"]
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = subprocess.run(words, env=env, capture_output=True, check=True)
    assert "optimizer=" in ran.stdout.decode(encoding)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_are_no_error(closed: str, outputs: Path) -> None:
    words = f"{sys.executable} -m gdexp epochs=1 tracking=off outputs={outputs} {closed}"
    assert subprocess.run(["bash", "-c", words], stderr=subprocess.DEVNULL).returncode == 0
    assert [*outputs.glob("runs/*/*/history.csv")]


def test_a_folder_that_was_made_for_us_is_left_where_it_is(gdexp: Command, outputs: Path) -> None:
    outputs.mkdir()
    assert gdexp("batch=0").returncode == 1
    assert [*outputs.rglob("*")] == []
    assert outputs.is_dir()


def test_a_tilde_in_the_environment_is_the_home_folder(tmp_path: Path, gdexp: Command) -> None:
    ran = gdexp("epochs=0", "tracking=off", GDEXP_OUTPUTS="~/runs", HOME=str(tmp_path / "me"))
    assert f"folder   {tmp_path}/me/runs/" in ran.stdout


def test_the_summary_names_the_page_of_the_store_that_was_used(
    gdexp: Command, tmp_path: Path
) -> None:
    ran = gdexp("epochs=0", f"outputs={tmp_path}/else", "tracking.experiment=my stuff")
    words = f"ui outputs={tmp_path}/else 'tracking.experiment=my stuff'"
    assert re.search(rf"curves   .*python3? -m gdexp {re.escape(words)}\n", ran.stdout), ran.stdout


def test_a_sweep_names_what_varies_and_cuts_nothing(gdexp: Command) -> None:
    words = ["architecture.hidden=[30],[50,20]", "architecture.activation=sigmoid,tanh"]
    ran = gdexp("-m", *words, "epochs=1", "tracking=off", COLUMNS="40")
    assert "4 of 4 jobs finished, all with epochs=1" in ran.stdout
    header = ran.stdout.splitlines()[3].split()
    assert header[:3] == ["job", "architecture.hidden", "architecture.activation"]
    for hidden in ("[30]", "[50,20]"):
        for activation in ("sigmoid", "tanh"):
            assert re.search(rf"\d +{re.escape(hidden)} +{activation} ", ran.stdout)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "sgd m=10 eta=3 s=0"),
        (["scaling=mean", "epochs=30"], "sgd m=10 eta=3 s=0"),
        (["architecture.hidden=[50,20]", "architecture.activation=tanh"], "50-20 tanh sgd m=10"),
        (["optimizer=gd", "eta=0.5", "scaling=sum", "seed=4"], "sum gd eta=0.5 s=4"),
        (["cost=cross_entropy", "epochs=1"], "cross_entropy sgd m=10"),
        (["architecture=no_hidden", "engine.precision=float64"], "no_hidden float64 sgd"),
    ],
)
def test_a_name_says_what_is_special(
    words: list[str], name: str, inside: Command, outputs: Path
) -> None:
    ran = inside(
        *words, *([] if any("epochs" in w for w in words) else ["epochs=30"]), "tracking=off"
    )
    assert ran.returncode == 0, ran.stderr
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    start = json.loads(journal.read_text().splitlines()[0])
    assert start["name"].startswith(name)


def test_the_recorded_command_repeats_the_run(gdexp: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "architecture"
    mine.mkdir(parents=True)
    (mine / "tiny.yaml").write_text("# tiny\ndefaults: [hidden_30]\nhidden: [3]\n")
    first = gdexp("--config-dir", "mine", "architecture=tiny", "epochs=1", "tracking=off")
    assert first.returncode == 0, first.stderr
    (command,) = tmp_path.rglob("command.txt")
    words = shlex.split(command.read_text())
    assert words[:3] == ["python", "-m", "gdexp"]
    again = gdexp(*words[3:], cwd=tmp_path / "mine")
    assert again.stdout.split("time ")[0] == first.stdout.split("time ")[0]


def test_outputs_are_the_checkouts_from_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GDEXP_OUTPUTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert places.outputs() == ROOT / "outputs"
    monkeypatch.setenv("GDEXP_OUTPUTS", "~/elsewhere")
    assert places.outputs() == Path.home() / "elsewhere"


def test_a_password_is_shown_nowhere(gdexp: Command, outputs: Path) -> None:
    secret = secrets.token_hex(8)  # not in the code, which a run of a dirty checkout holds
    away = f"tracking.uri=postgresql://me:{secret}@127.0.0.1:9/store"
    ran = gdexp("epochs=1", away, "tracking.patience=1")
    assert "after 1 epoch" in ran.stdout
    assert "not tracked yet" in ran.stderr
    log = (outputs / "feeder.log").read_text()
    assert "Operation will be retried" not in log  # by MLflow, whatever patience there is
    for file in outputs.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    assert secret not in ran.stdout + ran.stderr


def test_options_of_a_search_path_are_named_and_repeated(
    inside: Command, outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine" / "architecture").mkdir(parents=True)
    text = (CONF / "architecture" / "hidden_30.yaml").read_text().replace("[30]", "[5]")
    (tmp_path / "mine" / "architecture" / "small.yaml").write_text(text)
    path = f"hydra.searchpath=[file://{tmp_path}/mine]"
    ran = inside(path, "architecture=small", "tracking=off", "epochs=1", "engine=reference")
    assert ran.returncode == 0, ran.stderr
    (command,) = outputs.glob("runs/*/*/command.txt")
    again = inside(*shlex.split(command.read_text())[3:])
    assert again.returncode == 0, again.stderr
    assert "64-5-10" in again.stdout


def test_a_target_that_is_missed_is_told(inside: Command) -> None:
    words = ["stop=target", "stop.accuracy=0.99", "epochs=1", "tracking=off", "engine=reference"]
    assert "val accuracy 99.00% was not reached" in inside(*words).stdout
