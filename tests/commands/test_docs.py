"""What docs/comparing.md shows works on a store of real runs."""

import re
import shlex
from pathlib import Path

import pytest

from gdexp.comparison.results import JUDGES, REACHED
from tests.conftest import ROOT, Command

DOC = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", DOC, re.S)
COMMANDS = [line for block in SHELL for line in block.splitlines() if line]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs(line: str, inside: Command, store: Path) -> None:
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "gdexp"]
    ran = inside(*words[3:], GDEXP_OUTPUTS=str(store))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


def test_it_names_the_curves_and_columns_that_there_are() -> None:
    text = " ".join(DOC.split())
    assert ", ".join(f"`{name}`" for name in JUDGES) in text
    for column in ("final", "at_updates"):
        assert column in REACHED
        assert column in DOC
