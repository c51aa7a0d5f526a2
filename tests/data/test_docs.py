"""What docs/data.md shows is what happens."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import Csv, Images, Mnist, Parquet, Table
from tests.conftest import ROOT, Command
from tests.test_readme import words

DOCS = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", DOCS, re.S)
SHELL = re.findall(r"```sh\n(.*?)```(?:\n\n```\n(.*?)```)?", DOCS, re.S)
COMMANDS = [
    (line, block.startswith(line) and shown)
    for block, shown in SHELL
    for line in block.splitlines()
]


@pytest.fixture
def made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small: dict[str, NDArray[np.uint8]],
    small_root: Path,
) -> Path:
    """A folder with the files that the page makes, of a small set in place of MNIST."""
    small_root.rename(tmp_path / "mnist")
    monkeypatch.chdir(tmp_path)
    for code in PYTHON:
        exec(compile(code, "data.md", "exec"), {})
    return tmp_path


def test_the_files_it_makes_are_the_data_they_came_from(made: Path) -> None:
    iris, mnist = Table("iris").load(), Mnist("mnist", ()).load()
    for part in ("train", "val", "test"):
        for table in (Csv("iris.csv", "species"), Parquet("iris.parquet", "species")):
            assert table.load().parts[part].digest == iris.parts[part].digest
        assert Images("pngs").load().parts[part].digest == mnist.parts[part].digest


@pytest.mark.parametrize(("line", "shown"), COMMANDS, ids=[line for line, _ in COMMANDS])
def test_every_command_runs(line: str, shown: str, made: Path, gdexp: Command) -> None:
    assert line.startswith("python -m gdexp ")
    ran = gdexp(*shlex.split(line)[3:], "tracking=off", "engine=reference")
    assert ran.returncode == 0, ran.stderr
    if shown and "data.path=pngs" not in line:
        printed = ran.stdout.strip().partition("\ntime ")[0]
        assert words(printed)[: len(words(shown))] == words(shown)
