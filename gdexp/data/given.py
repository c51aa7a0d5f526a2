"""Settings that name files and columns, as a user writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gdexp.errors import SettingError


def path_of(value: Any, kind: str) -> Path:
    """Give the path that the setting `path` names.

    Raises
    ------
    SettingError
        Where it names none.
    """
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        allowed = f"the path of a {kind.lower()}"
        raise SettingError("path", allowed, value, kind)
    return Path(value).expanduser().absolute()


def column_name(setting: str, value: Any) -> str:
    """Give the name of a column.

    Raises
    ------
    SettingError
        Where it is none.
    """
    # A column may be called 2024, which YAML reads as a number.
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise SettingError(setting, "the name of a column", value, "COLUMN")
    return str(value).strip()


def column_names(setting: str, value: Any) -> tuple[str, ...]:
    """Give the names of different columns.

    Raises
    ------
    SettingError
        Where they are not so.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SettingError(setting, "a list of names of columns", value, "[FIRST,SECOND]")
    names = tuple(column_name(setting, each) for each in value)
    if len(set(names)) < len(names):
        raise SettingError(setting, "different columns", list(names))
    return names
