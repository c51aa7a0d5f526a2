"""What the records of a journal may hold: whoever can write to a folder may have written them.

A member that is known must be of its kind wherever it stands; others are let through. Which members
there must be depends on who reads a record.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

STATUSES = ("FINISHED", "FAILED", "KILLED")
NO_NUMBERS = ("nan", "inf", "-inf")  # as a journal has what JSON has no numbers for
LARGEST = 2**63
LONGEST_PATH, LONGEST_NAME = 3000, 255  # bytes of a path, and between two slashes

Kind = Callable[[Any], bool]


def check(record: Any) -> dict[str, Any]:
    """Give a record back, where its members are of their kinds.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    if not isinstance(record, dict):
        raise ValueError("it is no record")
    for name, value in record.items():
        kind = KINDS.get(name)
        if kind is not None and not kind(value):
            raise ValueError(f"{name} is no such thing as it must be: {value!r:.60}")
    return record


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _step(value: Any) -> bool:
    return _count(value) and value > 0


def _number(value: Any) -> bool:
    return isinstance(value, float) or value in NO_NUMBERS or _whole(value)


def _whole(value: Any) -> bool:
    return type(value) is int and abs(value) < LARGEST


def _path(value: Any) -> bool:
    """Whether it is the path of a file below a run's folder."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    return not value.startswith("/") and ".." not in PurePosixPath(value).parts


def _folder(value: Any) -> bool:
    """Whether it can be the path of a folder; the system refuses names that are longer."""
    if not isinstance(value, str) or "\0" in value or len(value.encode()) > LONGEST_PATH:
        return False
    return all(len(part.encode()) <= LONGEST_NAME for part in value.split("/"))


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def _each(kind: Kind) -> Kind:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def _named(kind: Kind) -> Kind:
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def _like(kinds: Mapping[str, Kind]) -> Kind:
    return lambda value: (
        isinstance(value, dict)
        and all(kinds[name](each) for name, each in value.items() if name in kinds)
    )


def _any(value: Any) -> bool:
    return True


_JOB = {
    "job": _count,
    "folder": _folder,
    **dict.fromkeys(("overrides", "varies"), _each(_text)),
    **dict.fromkeys(("config_hash", "group_key"), _text),
}
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("kind", "name", "command", "outputs", "ended"), _text),
    **dict.fromkeys(("params", "tags"), _named(_text)),
    **dict.fromkeys(("code",), _named(_or_none(_text))),
    **dict.fromkeys(("config", "tracking"), _named(_any)),
    **dict.fromkeys(("cost", "seconds"), _number),
    "time": _whole,
    "epoch": _count,
    "first": _step,
    "costs": _each(_number),
    "epochs": _or_none(_count),
    "every": _step,
    "last": _flag,
    "metrics": _named(_number),
    "sizes": _named(_step),
    "artifacts": _each(_path),
    "model": _or_none(_path),
    "status": lambda value: value in STATUSES,
    "datasets": _each(_named(_text)),
    "told": _named(_each(_text)),
    "bytes": _named(_count),
    "dropped": _each(_text),
    "jobs": _each(_like(_JOB)),
}
