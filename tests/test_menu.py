"""Every option of the menu runs, also one that is added tomorrow; and the docs tell of it."""

import json
from pathlib import Path

import pytest

from gdexp import menu
from tests.conftest import CONF, ROOT, Command
from tests.samples import words_for

OPTIONS = sorted(f"{file.parent.name}={file.stem}" for file in CONF.glob("*/*.yaml"))
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_runs_an_epoch(
    option: str, gdexp: Command, outputs: Path, mnist_root: Path, tmp_path: Path
) -> None:
    brought = menu.options_bringing(option.partition("=")[0], [CONF])
    words = [*brought, *words_for(option, tmp_path), "epochs=1"]
    if not option.startswith("tracking="):
        words.append("tracking=off")
    ran = gdexp(*words, GDEXP_DATA=str(mnist_root))
    assert ran.returncode == 0, ran.stderr
    assert "after 1 epoch " in ran.stdout
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    assert (outputs / "mlflow.db").exists() == (option == "tracking=mlflow")
    kinds = [json.loads(line)["kind"] for line in journal.read_text().splitlines()]
    assert [kind for kind in kinds if kind != "look"] == ["start", "epoch", "epoch", "end"]
    assert ("look" in kinds) == option.startswith("diagnostics=")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_docs(option: str) -> None:
    group, _, name = option.partition("=")
    section = DOCS.partition(f"\n## `{group}`")[2].partition("\n## ")[0]
    assert f"| `{name}`" in section


@pytest.mark.parametrize("setting", menu.settings([CONF]))
def test_every_setting_is_in_the_docs(setting: str) -> None:
    assert f"`{setting}`" in DOCS
