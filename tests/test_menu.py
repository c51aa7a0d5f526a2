"""The docs tell of every option and setting of the menu, also of one that is added tomorrow."""

import pytest

from gdexp import menu
from tests.conftest import CONF, ROOT, Command

OPTIONS = sorted(f"{file.parent.name}={file.stem}" for file in CONF.glob("*/*.yaml"))
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_docs(option: str) -> None:
    group, _, name = option.partition("=")
    section = DOCS.partition(f"\n## `{group}`")[2].partition("\n## ")[0]
    assert f"| `{name}`" in section


@pytest.mark.parametrize("setting", menu.settings([CONF]))
def test_every_setting_is_in_the_docs(setting: str) -> None:
    assert f"`{setting}`" in DOCS


def test_nothing_in_the_menu_says_whether_it_is_a_sweep(inside: Command) -> None:
    """So a command need not compose it to know; whoever says it himself is heard."""
    for file in CONF.rglob("*.yaml"):
        assert "mode:" not in file.read_text(encoding="utf-8").split(), file
    ran = inside("hydra.mode=MULTIRUN", "epochs=0,1", "data=iris", "tracking=off")
    assert "2 of 2 jobs finished" in ran.stdout
