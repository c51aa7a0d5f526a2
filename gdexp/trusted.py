"""Which classes may be made of a record's settings: records come from anywhere.

Every ``_target_`` in one is held against those that our own menu has, before any path is looked up.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from gdexp import menu, places
from gdexp.build import TARGET
from gdexp.errors import GdexpError

SEVERAL = "diagnostics"  # the group that may have several nodes


@cache
def offered() -> Mapping[str, set[str]]:
    """Give the paths of the classes that the menu's options name, by group."""
    found: dict[str, set[str]] = {}
    for options in menu.groups([places.conf()]).values():
        for file in options.values():
            content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            if not menu.is_global(file):
                content = {menu.node(file).partition(".")[0]: content}
            for group, node in content.items():
                if isinstance(node, dict) and TARGET in node:
                    found.setdefault(group, set()).add(node[TARGET])
    return found


def check_targets(config: Mapping[str, Any]) -> None:
    """Refuse classes that the menu does not offer: no other path is ever looked up.

    Raises
    ------
    GdexpError
        Naming the first.
    """
    for setting, target in _targets(config):
        group = setting.partition(".")[0]
        depth = 2 if group == SEVERAL else 1
        allowed = offered().get(group, set()) if setting.count(".") == depth else set()
        if not isinstance(target, str) or target not in allowed:
            known = ", ".join(sorted(allowed)) or "none there"
            raise GdexpError(
                f"{setting} must be one of gdexp's own classes ({known}). Got {target!r}."
            )


def _targets(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            name = f"{path}.{key}" if path else str(key)
            if str(key).startswith("_"):
                yield name, value
            else:
                yield from _targets(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _targets(value, f"{path}.")
