"""What the README shows is what happens."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", README, re.S)
COMMANDS = [line for block in SHELL for line in block.splitlines() if line]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs(line: str, gdexp: Command, mnist_root: Path) -> None:
    assert line.startswith("python -m gdexp ")
    subprocess.run(["bash", "-n", "-c", line], check=True)  # a shell can read it
    ran = gdexp(*shorter(line), GDEXP_DATA=str(mnist_root))
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr


def shorter(line: str) -> list[str]:
    """Spare time where a command is one of many: all are tracked in the same way, and go on so.

    Of what is written, numbers alone are others.
    """
    words = shlex.split(line)[3:]
    if line in COMMANDS[:1] or "--help" in line or "find-eta" in line:
        return words
    fewer = [re.sub(r"^(epochs|search\.trials)=\d+$", r"\1=2", word) for word in words]
    given = re.search(r"epochs=|stop=|=stream", line)
    return [*fewer, "tracking=off", *([] if given else ["epochs=2"])]


def test_the_summary_it_shows_is_the_one_of_its_first_command(gdexp: Command) -> None:
    shown = re.findall(r"```\n(64-30-10.*?)\ntime ", README, re.S)[0]
    # Named, since what auto takes depends on what has been compiled before.
    engine, precision = re.findall(r"\nengine   (\w+), (\w+)", README)[0]
    named = (f"engine={engine}", f"engine.precision={precision}")
    ran = gdexp(*COMMANDS[0].split()[3:], "tracking=off", *named)
    printed = ran.stdout.strip().partition("\ntime ")[0]
    assert words(printed) == words(shown)


def words(text: str) -> list[str]:
    """Give the words, but numbers rounded: the last digits are the machine's."""
    rounded = re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.3g}", text)
    return rounded.split()


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_it_shows_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_every_file_it_points_to_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_every_document_is_pointed_to() -> None:
    for document in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{document.name})" in README


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = re.findall(r'^    "([a-z-]+)[>=]', (ROOT / "pyproject.toml").read_text(), re.M)
    assert len(listed) > 10
    told = {
        name for row in re.findall(r"^\| ([^|]+) \|", reasons, re.M) for name in row.split(", ")
    }
    assert set(listed) <= told
    pinned = (ROOT / "constraints.txt").read_text()
    for name in listed:
        assert re.search(rf"^{name}==", pinned, re.M), f"{name} is not pinned"
    assert "://" not in pinned
