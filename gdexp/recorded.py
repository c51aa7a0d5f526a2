"""From a run's record to the objects that it stands for: nothing in a record can run code.

A record is a file, and files come from anywhere: every ``_target_`` in it is held against those
that our own menu has, before anything is imported or made.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdexp import build
from gdexp.build import Origin
from gdexp.engines import Engine
from gdexp.experiment import Experiment
from gdexp.request import Request
from gdexp.tracking.journal import understood
from gdexp.trusted import check_targets

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
    with understood(folder):
        config, params, tags = start["config"], start["params"], start["tags"]
        job = int(tags["gdexp.job"]) if "gdexp.job" in tags else None
    choices = {name: params[name] for name in GROUPS if isinstance(params.get(name), str)}
    return Request(
        experiment=experiment(config, choices),
        config=config,
        params=params,
        choices=choices,
        overrides=(),
        output=folder,
        sweep=tags.get("gdexp.sweep_id"),
        job=job,
    )


def engine(config: Mapping[str, Any]) -> Engine:
    """Make the engine of a resolved configuration.

    Raises
    ------
    GdexpError
        Where the menu has none such, or a value is not allowed.
    """
    check_targets({"engine": config["engine"]})
    made: Engine = build.part("engine", config["engine"], Origin({}, (), set()))
    return made


def experiment(config: Mapping[str, Any], choices: Mapping[str, str]) -> Experiment:
    """Make the objects of a resolved configuration, each of a class that the menu has.

    Raises
    ------
    GdexpError
        Where a class is none of those, or a value is not allowed.
    """
    check_targets(config)
    plain = {name for name, value in config.items() if not isinstance(value, dict)}
    return build.experiment(config, Origin(choices, (), plain))
