"""The command line as people meet it: help, commands, folders of their own, progress."""

import os
import pty
import re
import secrets
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import gdexp as package
from gdexp import menu, places
from tests.conftest import CONF, ROOT, Command

OPTIONS = sorted(CONF.glob("*/*.yaml"))


def test_help_teaches_groups_options_knobs_and_examples(gdexp: Command) -> None:
    ran = gdexp("--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    for file in OPTIONS:
        assert f"{file.parent.name}=" in ran.stdout
        assert re.search(rf"[* ] {file.stem} +{re.escape(menu.about(file))}\n", ran.stdout)
    for knob in ("batch=10", "eta=3.0", "epochs=30", "seed=0"):
        assert knob in ran.stdout
    examples = ran.stdout.partition("Examples\n")[2].partition("\n\n")[0]
    assert len(re.findall("python -m gdexp", examples)) >= 4
    assert max(map(len, ran.stdout.splitlines())) <= 110


def test_help_marks_the_defaults_as_they_are(gdexp: Command) -> None:
    text = gdexp("--help").stdout
    listed = yaml.safe_load((CONF / "config.yaml").read_text())["defaults"]
    for entry in listed:
        for group, option in entry.items() if isinstance(entry, dict) else ():
            if option and not group.startswith("override"):
                assert re.search(rf" \* {option} ", text), option
    assert text.count(" * ") == len(menu.defaults())


def test_each_example_of_the_help_is_one_that_runs(gdexp: Command) -> None:
    text = gdexp("--help").stdout.partition("Examples\n")[2].partition("\n\n")[0]
    for line in text.splitlines():
        words = re.split(r"  +", line.strip())[0].removeprefix("python -m gdexp").split()
        if words != ["ui"]:
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


def test_a_folder_of_ones_own_adds_options(gdexp: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "architecture"
    mine.mkdir(parents=True)
    (mine / "tiny.yaml").write_text("# my own tiny network\ndefaults: [hidden_30]\nhidden: [3]\n")
    words = ("architecture=tiny", "epochs=1", "tracking=off")
    for flag in (["--config-dir", "mine"], ["--config-dir=mine"]):
        ran = gdexp(*flag, *words)
        assert ran.returncode == 0, ran.stderr
        assert "64-3-10 on digits" in ran.stdout
        assert "tiny               my own tiny network" in gdexp(*flag, "--help").stdout
    refused = gdexp(*words)
    assert "architecture must be one of hidden_100, hidden_30" in refused.stderr


def test_without_a_terminal_progress_is_a_few_plain_lines(gdexp: Command) -> None:
    ran = gdexp("epochs=150", "tracking=off")
    lines = ran.stderr.splitlines()
    seconds = float(re.findall(r"([\d.]+) s with measuring", ran.stdout)[0])
    assert lines[0].startswith("epoch 0/150  cost ")
    assert lines[-1].startswith("epoch 150/150  cost ")
    assert len(lines) <= 2 + seconds / 0.5
    assert "\x1b" not in ran.stderr + ran.stdout


def test_in_a_terminal_progress_is_a_bar(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(GDEXP_OUTPUTS=str(tmp_path / "o"), TERM="xterm-256color", COLUMNS="120")
        words = [sys.executable, "-m", "gdexp", "epochs=40", "tracking=off"]
        os.execv(sys.executable, words)
    seen = b""
    while chunk := read(terminal):
        seen += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert re.search(r"epoch 40/40 ━+ +cost 0\.0\d+ +accuracy train 99", text)
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
    ran = gdexp("epochs=1", f"tracking.uri=postgresql://me:{secret}@127.0.0.1:9/store")
    assert "after 1 epoch" in ran.stdout
    assert "not tracked" in ran.stderr
    for file in outputs.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    assert secret not in ran.stdout + ran.stderr
