"""What is taken from a record's configuration: whoever can write to a store may have written it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gdexp import menu, places
from gdexp.build import TARGET
from gdexp.errors import GdexpError
from gdexp.tracking import Tracking

MOST_BYTES = 2**18  # a configuration has some 2 KB; YAML takes seconds a MB
LARGEST = 2**63
DEEPEST = 12  # nodes within each other


def parsed(data: bytes) -> dict[str, Any]:
    """Read a configuration: mappings, lists and plain values, nothing else.

    Raises
    ------
    GdexpError
        Where it is no such YAML, or more than a configuration can be.
    """
    if len(data) > MOST_BYTES:
        raise GdexpError(f"has {len(data):,} bytes, and a configuration at most {MOST_BYTES:,}")
    try:
        _measure(data)
        config = yaml.safe_load(data)
        _check_values(config)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GdexpError(f"is no plain YAML ({_line(error)})") from None
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise GdexpError("is no configuration: it must be a mapping of names to values")
    return config


def _measure(data: bytes) -> None:
    """Refuse what a short text could blow up to, before anything is built of it."""
    depth = 0
    for event in yaml.parse(data, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it repeats nodes by aliases")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} nodes within each other")


def _check_values(node: Any) -> None:
    """Refuse what YAML has and a configuration has not: dates, sets, bytes, endless numbers."""
    if isinstance(node, dict):
        if not all(isinstance(key, str | int) for key in node):
            raise ValueError("a name that is no text")
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            _check_values(each)
    elif not isinstance(node, str | int | float | None) or (
        isinstance(node, int) and abs(node) >= LARGEST
    ):
        raise ValueError(f"a value of type {type(node).__name__} that no setting has")


def _line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())[:200]


def replaced(
    config: Mapping[str, Any], outputs: Path, tracking: Tracking, data: Mapping[str, str]
) -> dict[str, Any]:
    """Give the configuration with all of it that says where things are taken from here.

    Parameters
    ----------
    config : mapping
        Of the record.
    outputs : Path
    tracking : Tracking
    data : mapping of str to str
        What the user says of where the data lie: ``root``, ``path``.

    Raises
    ------
    GdexpError
        Where the record's data lie nowhere here.
    """
    store = {TARGET: "gdexp.tracking.Tracking", **vars(tracking)}
    here = {**config, "outputs": str(outputs), "tracking": store}
    if isinstance(config.get("data"), dict):
        here["data"] = _located(config["data"], data)
    return here


def _located(node: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    for name in given:
        if name not in node:
            takes = [f"data.{each}" for each in ("root", "path") if each in node]
            told = f"Write {takes[0]}=..." if takes else "Leave it out."
            raise GdexpError(f"data.{name}: the data of this run are not found by it. {told}")
    here = {**node, **given}
    for name in {"root", "path"} & set(node) - set(given):
        if node[name] is not None and not _plain(node[name]):
            raise GdexpError(
                f"data.{name}: {node[name]!r}, of the record, is no file or folder here. "
                f"Say where the data are: data.{name}=..."
            )
    if "idle" in node:  # a file that was followed has ended: nothing more is waited for
        here["idle"] = 0.0
    if "mirrors" in node:  # whatever is to be downloaded comes from where our menu says
        ours = menu.values(menu.groups([places.conf()])["data"], "mnist")["mirrors"]
        here["mirrors"] = ours if here["root"] is None else []
    return here


def _plain(path: Any) -> bool:
    """Whether a path is of a file or a folder, and not of a device or a pipe without end."""
    if not isinstance(path, str) or "\0" in path:
        return False
    there = Path(path).expanduser()
    return there.is_file() or there.is_dir()
