"""What docs/problems.md shows is what happens; and mistakes are told in one line."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

PAGE = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m gdexp (.*)$", PAGE, re.M)
SHOWN = re.findall(r"^python -m gdexp (.*)\n```\n\n(?:!.*\n\n)?```\n([^`]*)```", PAGE, re.M)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_runs_and_prints_what_is_shown(line: str, gdexp: Command) -> None:
    shorter = [] if line in dict(SHOWN) or "epochs=" in line else ["epochs=20"]
    ran = gdexp(*shlex.split(line), *shorter, "tracking=off")
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "none:" not in ran.stdout  # no picture was missed
    for each in filter(None, dict(SHOWN).get(line, "").splitlines()):
        assert each in ran.stdout


def test_the_page_shows_what_is_printed_more_than_once() -> None:
    assert len(SHOWN) >= 4


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_the_page_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "problems.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_a_file_of_ones_own_is_as_the_page_says(gdexp: Command, tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (tmp_path / "mine" / "function").mkdir(parents=True)
    (tmp_path / "mine" / "function" / "valley.yaml").write_text(text)
    ran = gdexp("--config-dir", "mine", "problem=function", "function=valley", "tracking=off")
    assert "C = x**2 + 8*(y - sin(x))**2, gd all, eta=0.05" in ran.stdout, ran.stderr


def test_a_run_leaves_its_path(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("problem=function", "epochs=4", "eval.every=2", "problem.draw=false")
    assert ran.returncode == 0, ran.stderr
    (folder,) = outputs.glob("runs/*/*")
    with (folder / "path.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "2", "4"]
    for row in rows:
        factor = 0.8 ** int(row["epoch"])
        assert float(row["v1"]) == pytest.approx(-1.5 * factor)
        assert float(row["v2"]) == pytest.approx(factor)
        assert float(row["C"]) == pytest.approx(3.25 * factor**2)
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert journal[1]["metrics"]["v/v1"] == -1.5
    assert "path.csv" in journal[-1]["artifacts"]
    assert not (folder / "path.png").exists()


def test_divergence_is_an_outcome(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("problem=function", "eta=1.1", "problem.draw=false", "tracking=off")
    assert ran.returncode == 0
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    tags = json.loads(journal.read_text().splitlines()[-1])["tags"]
    assert tags["gdexp.outcome"] == "diverged"
    assert tags["gdexp.reason"].endswith("the largest eta that does not diverge is 1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["function=bowl"], "function: means something only with problem=function."),
        (["function.formula=x"], "function.formula: means something only with problem=function."),
        (
            ["problem=function", "function.condition=3"],
            "function.condition: means something only with function=ellipse.",
        ),
        (["problem=function", "function.formula=x^2"], "Powers are written with **, not with ^."),
        (["problem=function", "function.formula=9**9**9**9*x"], "powers come to more than 100"),
        (["problem=function", "function.formula=__import__('os')"], "may not hold"),
        (["problem=function", "function.formula=sin(x,y)"], "It may not hold sin(x,y)"),
        (["problem=function", "function.formula=(x"], "It is not one: '(' was never closed."),
        (["problem=function", "function.start=[1]"], "a number for each of v1, v2. Got [1]."),
        (["problem=function", "data=digits"], "problem=function takes no data. Got data=digits."),
        (["problem=function", "engine=compiled"], "engine=compiled carries out networks only."),
        (["problem=function", "function=bowls"], "function must be one of beale, bowl,"),
        (["problem=linear_regression", "data=digits"], "Got digits, with 10 classes."),
        (["problem=linear_regression", "cost=quadratic"], "takes no cost. Got cost=quadratic."),
        (["problem=linear_regression", "problem.draw=2"], "problem.draw must be true or false."),
    ],
)
def test_a_mistake_is_told_in_one_line(words: list[str], told: str, gdexp: Command) -> None:
    ran = gdexp(*words, "tracking=off")
    assert ran.returncode == 1
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
