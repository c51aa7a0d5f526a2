"""The plan of a sweep on the disk: whatever is edited later, its jobs stay those of the start.

``plan.jsonl.gz`` has a line for the sweep, and one for each job. Nothing in it is code: what it
asks for is held against the menu before anything is made of it, as with any record.
"""

import gzip
import json
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from gdexp import recorded
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.planning import Plan, job_of
from gdexp.sweeps.settings import Study
from gdexp.tracking import Tracking
from gdexp.tracking.environment import code, git
from gdexp.tracking.settings import masked

NAME = "plan.jsonl.gz"
VERSION = 1
OF_A_JOB = ("config", "params", "choices", "overrides", "flags", "special", "variant", "varies")
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True)
class Head:
    """What is kept of a sweep as a whole.

    Parameters
    ----------
    keys, data : sequence of str
        Of each job: what it computes and looks at; the digest of its data.
    words, launcher : sequence of str
        What was written on the command line, and of the launcher.
    tracking : mapping
        The store, without its password, and the experiment.
    code : mapping
        Versions of what computes.
    commit : str
        Of the checkout, where there is one.
    study : mapping, optional
    name : str
        The study's.
    version : int
    """

    keys: Sequence[str]
    data: Sequence[str]
    words: Sequence[str]
    launcher: Sequence[str]
    tracking: Mapping[str, Any]
    code: Mapping[str, str]
    commit: str
    study: Mapping[str, Any] | None
    name: str
    version: int = VERSION


def write(plan: Plan, begun: Head | None = None) -> None:
    """Write a plan into the sweep's folder, in the place of the one that is there.

    Parameters
    ----------
    plan : Plan
    begun : Head, optional
        That of the sweep's beginning, where it is gone on with: its code, and data, are kept.

    Raises
    ------
    OSError
        Where it cannot be written; the one that is there stays.
    """
    known = begun.data if begun else ()
    head = Head(
        keys=[job.key for job in plan.jobs],
        data=[*known, *(job.data for job in plan.jobs[len(known) :])],
        words=[*map(masked, plan.words)],
        launcher=plan.launcher,
        tracking=shown(plan.jobs[0].tracking),
        code=begun.code if begun else code(),
        commit=begun.commit if begun else git(plan.id).get("commit", ""),
        study=asdict(plan.study) if plan.study else None,
        name=plan.name,
    )
    part = plan.folder / f"{NAME}.part"
    with part.open("wb") as file, gzip.open(file, "wt", compresslevel=3) as text:
        text.write(json.dumps(asdict(head)) + "\n")
        for job in plan.jobs:
            request: Request = pickle.loads(plan.loader.request(job.words))
            asked = {name: getattr(request, name) for name in OF_A_JOB}
            place = os.path.relpath(request.output, plan.folder)
            words = [*map(masked, job.words)]
            text.write(json.dumps({"words": words, "place": place, **asked}) + "\n")
    part.replace(plan.folder / NAME)


def head(folder: Path) -> Head | None:
    """Give what is kept of a sweep as a whole; None where the folder has no plan to be read."""
    with suppress(*DAMAGE), gzip.open(folder / NAME, "rt") as text:
        return _head(text.readline())
    return None


def _head(line: str) -> Head:
    told = json.loads(line)
    if told["version"] != VERSION:
        raise ValueError(f"it is of version {told['version']}")
    return Head(**told)


def read(folder: Path, loader: ConfigLoader, master: DictConfig, *, named: bool = False) -> Plan:
    """Read the plan of a sweep.

    Parameters
    ----------
    folder : Path
        The sweep's own.
    loader : ConfigLoader
        Hydra's.
    master : DictConfig
        The configuration of the command that goes on with it.
    named : bool
        Whether that names the store; else it is the store of the plan.

    Raises
    ------
    GdexpError
        Where it cannot be read, or asks for what the menu does not have.
    """
    try:
        with gzip.open(folder / NAME, "rt") as text:
            told = _head(text.readline())
            lines = [json.loads(line) for line in text]
    except DAMAGE as error:
        raise GdexpError(f"{folder / NAME}: cannot be read ({error}).") from None
    tracking = _tracking(told, master, named=named)
    frozen, jobs = Frozen(loader, folder), []
    for number, request in enumerate(_requests(folder, lines, tracking)):
        words = tuple(lines[number]["words"])
        frozen.keep_recorded(words, request, master)
        jobs.append(job_of(number, words, request, str(request.config["outputs"])))
    study = None if told.study is None else Study(**told.study)
    return Plan(folder, told.words, jobs, frozen, study, told.name, launcher=told.launcher)


def _tracking(told: Head, master: DictConfig, *, named: bool) -> Tracking | None:
    """Give the store, where the plan's is not to be used, or has a password, which is not kept."""
    uri = told.tracking["uri"]
    secret = uri is not None and "***" in uri
    if not named and not secret:
        return None
    store = master.tracking
    found = Tracking(str(store.uri), told.tracking["experiment"], store.get("patience", 30.0))
    if secret and not named and found.shown != uri:
        raise GdexpError(
            f"tracking.uri: the password of {uri} is kept nowhere. "
            "Write tracking.uri=URI, or set MLFLOW_TRACKING_URI."
        )
    return found


def _requests(
    folder: Path, lines: Sequence[Mapping[str, Any]], tracking: Tracking | None
) -> Iterator[Request]:
    for number, line in enumerate(lines):
        asked = {name: line[name] for name in OF_A_JOB}
        config = line["config"]
        if tracking is not None:
            config = {**config, "tracking": {**config["tracking"], **asdict(tracking)}}
        yield Request(
            **asked,
            experiment=recorded.experiment(config, line["choices"]),
            output=folder / line["place"],
            sweep="_".join(folder.parts[-2:]),
            job=number,
        )


def shown(tracking: Tracking) -> dict[str, Any]:
    """Give what names a store, without its password."""
    uri = None if tracking.uri is None else tracking.shown
    return {"uri": uri, "experiment": tracking.experiment}
