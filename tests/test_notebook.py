"""The notebook of the docs: it executes, and holds what came of executing it."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

FILE = ROOT / "docs" / "notebook.ipynb"

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries that start a kernel


def shown(cells: list[Any]) -> list[list[tuple[str, list[str]]]]:
    """What kinds of things the cells show."""
    return [
        [(each.output_type, sorted(each.get("data", {}))) for each in cell.outputs]
        for cell in cells
        if cell.cell_type == "code"
    ]


def test_it_executes_and_shows_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    begins = tmp_path / "ipython" / "profile_default" / "startup" / "lend.py"
    begins.parent.mkdir(parents=True)
    begins.write_text("from tests import nursery; nursery.lend_feeders()")  # MLflow is imported
    committed = nbformat.read(FILE, as_version=4)
    executed = nbformat.read(FILE, as_version=4)
    NotebookClient(executed, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    assert shown(executed.cells) == shown(committed.cells)
    assert sum(kinds != [] for kinds in shown(committed.cells)) >= 8
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))  # as from one go, from the top
