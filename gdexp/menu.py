"""The menu as files: groups, options, and the first comment of each, without composing it."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from gdexp import places

WHOLE = ("experiment", "study")  # groups whose options set others, and are no part of a run
LAUNCHERS = ("local", "dask")  # our own
SWEEP = "hydra/sweeper/planned.yaml"  # the settings of sweeps
SEARCH = "hydra/sweeper/optuna.yaml"  # those of searches


def folders(words: Iterable[str]) -> list[Path]:
    """Give the menu's folders: our own, and the one that --config-dir names."""
    words = list(words)
    extra = [
        word.partition("=")[2] or (words[at + 1] if at + 1 < len(words) else "")
        for at, word in enumerate(words)
        if word.partition("=")[0] in ("--config-dir", "-cd")
    ]
    return [places.conf(), *(Path(folder) for folder in extra if folder)]


def groups(menu: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Give each group's options and their files, in the order of the defaults list."""
    found: dict[str, dict[str, Path]] = {}
    for folder in menu:
        for file in sorted(folder.glob("*/*.yaml")):
            found.setdefault(file.parent.name, {})[file.stem] = file
    order = re.findall(r"^  - (?:optional )?(\w+):", _text(places.conf() / "config.yaml"), re.M)
    return dict(sorted(found.items(), key=lambda each: (*_place(each[0], order), each[0])))


def defaults() -> dict[str, str]:
    """Give the option of each group that is taken where none is named."""
    listed = re.findall(r"^  - (\w+): (\w+)$", _text(places.conf() / "config.yaml"), re.M)
    return {group: option for group, option in listed if option != "null"}


def about(file: Path) -> str:
    """Give the first comment of an option that is not an instruction to Hydra."""
    comments = re.findall(r"^# (.*)$", _text(file), re.M)
    return next((text for text in comments if not text.startswith("@")), "")


def knobs(file: Path) -> list[tuple[str, str, str]]:
    """Give name, value and comment of the plain settings of a file, lists but no nodes."""
    return _settings(_text(file))


def searching() -> list[tuple[str, str, str]]:
    """Give name, value and comment of the settings of a search."""
    return _settings(textwrap.dedent(_text(places.conf() / SEARCH).partition("\nsearch:\n")[2]))


def _settings(text: str) -> list[tuple[str, str, str]]:
    found = re.findall(r"^(\w+): *([^#\n]*?)(?: *# (.*))?$(\n  - )?", text, re.M)
    return [
        (name, value or "[...]", comment)
        for name, value, comment, is_list in found
        if name not in ("defaults", "hydra", "_target_") and (value or is_list)
    ]


def node(file: Path) -> str:
    """Give the path of an option's own node: its group's name, where several go, with its own."""
    package = re.match(r"# @package (\w+\.\w+)$", _text(file), re.M)
    return package[1] if package else file.parent.name


def target(file: Path) -> str:
    """Give the path of the class that an option's node stands for; empty where it has none."""
    found = re.search(r"^ *_target_: *([\w.]+)", _text(file), re.M)
    return found[1] if found else ""


def own(file: Path) -> list[tuple[str, str, str]]:
    """Give name, value and comment of the settings of an option's own node, as `knobs` does."""
    if not is_global(file):
        return knobs(file)
    node = re.search(rf"^{file.parent.name}:\n((?:  .*\n?)+)", _text(file), re.M)
    found = _settings(textwrap.dedent(node[1])) if node else []
    return [each for each in found if not re.fullmatch(r"\$\{\w+\}", each[1])]  # knobs


def brought(file: Path) -> list[tuple[str, str, str]]:
    """Give the settings of nodes that an option brings along beside its own, by their full names.

    Such as ``stream.examples``, which there is with ``optimizer=stream`` only.
    """
    if not is_global(file):
        return []
    nodes = re.findall(r"^(\w+):\n((?:  .*\n?)+)", _text(file), re.M)
    return [
        (f"{node}.{name}", value, comment)
        for node, body in nodes
        if node != file.parent.name and "_target_:" in body
        for name, value, comment in _settings(textwrap.dedent(body))
    ]


def settings(menu: Iterable[Path]) -> list[str]:
    """Give every name that can stand before "=" on the command line."""
    names = [name for name, _, _ in knobs(places.conf() / "config.yaml")]
    names += [f"sweep.{name}" for name, _, _ in knobs(places.conf() / SWEEP)]
    names += ["sweeper", *(f"search.{name}" for name, _, _ in searching())]
    names += ["launcher"]
    for launcher in LAUNCHERS:
        names += [f"launcher.{name}" for name, _, _ in knobs(launcher_file(launcher))]
    for group, options in groups(menu).items():
        names.append(group)
        for file in options.values() if group != "study" else ():
            names += [f"{node(file)}.{name}" for name, _, _ in own(file)]
            names += [name for name, _, _ in knobs(file)] if is_global(file) else []
            names += [name for name, _, _ in brought(file)]
    return sorted(set(names))


def launcher_file(name: str) -> Path:
    """Give the file of a launcher of our own."""
    return places.conf() / "hydra" / "launcher" / f"{name}.yaml"


def launcher_with(setting: str) -> str:
    """Give the launcher of our own that has a setting; empty where none has."""
    name = setting.removeprefix("launcher.")
    known = (each for each in LAUNCHERS if name in [k for k, _, _ in knobs(launcher_file(each))])
    return next(known, "")


def options_with(setting: str, menu: Iterable[Path]) -> list[str]:
    """Give the options, such as ``optimizer=sgd``, that bring a knob or a setting along."""
    found = []
    for group, options in groups(menu).items():
        for option, file in options.items():
            names = [f"{node(file)}.{name}" for name, _, _ in own(file)]
            names += [name for name, _, _ in knobs(file)] if is_global(file) else []
            names += [name for name, _, _ in brought(file)]
            if group not in WHOLE and setting in names:
                found.append(f"{group}={option}")
    return found


def options_bringing(group: str, menu: Iterable[Path]) -> list[str]:
    """Give the options, such as ``problem=function``, that bring a whole group along."""
    entry = re.compile(rf"^  - /{re.escape(group)}: ", re.M)
    return [
        f"{owner}={option}"
        for owner, options in groups(menu).items()
        for option, file in options.items()
        if entry.search(_text(file))
    ]


def values(options: Mapping[str, Path], option: str) -> dict[str, Any]:
    """Give an option's own settings, those of the option that it starts from included."""
    raw = dict(_parsed(_text(options[option])))
    named = [name for name in raw.pop("defaults", []) if isinstance(name, str)]
    parents = [name for name in named if name in options]
    if is_global(options[option]):
        raw = raw.get(options[option].parent.name) or {}
    inherited = {key: value for name in parents for key, value in values(options, name).items()}
    return inherited | raw


@lru_cache(maxsize=256)
def _parsed(text: str) -> dict[str, Any]:
    """Read YAML, once for all jobs of a sweep."""
    import yaml

    return yaml.safe_load(text) or {}


def is_global(file: Path) -> bool:
    """Say whether an option sets knobs at the top instead of in a node of its own."""
    return _text(file).startswith("# @package _global_")


def _place(group: str, order: list[str]) -> tuple[int]:
    return (order.index(group) if group in order else len(order),)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
