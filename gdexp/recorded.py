"""From a run's record to the objects that it stands for: nothing in a record can run code.

A record is a file, and files come from anywhere: every ``_target_`` in it is held against those
that our own menu has, before anything is imported or made.
"""

import dataclasses
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from gdexp import build, places
from gdexp.build import TARGET, Origin
from gdexp.errors import GdexpError
from gdexp.experiment import Experiment
from gdexp.request import Request

GROUPS = [field.name for field in dataclasses.fields(Experiment)]


def request(folder: Path, start: Mapping[str, Any]) -> Request:
    """Give the run that a folder holds the record of.

    Parameters
    ----------
    folder : Path
        The run's own.
    start : mapping
        The first record of its journal.

    Raises
    ------
    GdexpError
        Where the record cannot be read, or asks for what the menu does not have.
    """
    config, params, tags = start["config"], start["params"], start["tags"]
    job = tags.get("gdexp.job")
    choices = {name: params[name] for name in GROUPS if isinstance(params.get(name), str)}
    return Request(
        experiment=experiment(config, choices),
        config=config,
        params=params,
        choices=choices,
        overrides=(),
        output=folder,
        sweep=tags.get("gdexp.sweep_id"),
        job=None if job is None else int(job),
    )


def experiment(config: Mapping[str, Any], choices: Mapping[str, str]) -> Experiment:
    """Make the objects of a resolved configuration, each of a class that the menu has.

    Raises
    ------
    GdexpError
        Where a class is none of those, or a value is not allowed.
    """
    _check(config, "")
    plain = {name for name, value in config.items() if not isinstance(value, dict)}
    return build.experiment(config, Origin(choices, (), plain))


def _check(value: Any, path: str) -> None:
    """Refuse every class that is not of the menu, wherever it is named."""
    if isinstance(value, list):
        for each in value:
            _check(each, path)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key == TARGET and each not in targets():
            raise GdexpError(
                f"the record of this run: {path}.{TARGET} is {each!r}, which the menu does not "
                "have. Only what it has is made from a record."
            )
        _check(each, f"{path}.{key}".lstrip("."))


@lru_cache(maxsize=1)
def targets() -> frozenset[str]:
    """Give the classes that our own menu has."""
    texts = (file.read_text(encoding="utf-8") for file in places.conf().glob("*/*.yaml"))
    return frozenset(name for text in texts for name in re.findall(rf"{TARGET}: *(\S+)", text))
