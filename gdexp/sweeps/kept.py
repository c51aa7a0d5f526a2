"""The plan of a sweep on the disk: whatever is edited later, its jobs stay those of the start.

``plan.jsonl.gz`` has a line for the sweep, and one for each job. Nothing in it is code: what it
asks for is held against the menu before anything is made of it, as with any record.
"""

import gzip
import json
import os
import pickle
import zlib
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
from gdexp.sweeps.job import job_of
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.settings import Study
from gdexp.tracking import Tracking
from gdexp.tracking.environment import code, git
from gdexp.tracking.settings import masked

NAME = "plan.jsonl.gz"
VERSION = 1
OF_A_JOB = ("config", "params", "choices", "overrides", "flags", "special", "variant", "varies")
MOST_BYTES = 1 << 30  # of a plan, unpacked
LONGEST = 64 << 20  # characters of a line
DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RecursionError),
    *(ArithmeticError, zlib.error),
)


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
    with suppress(*DAMAGE):
        return _head(next(_lines(folder)))
    return None


def _lines(folder: Path) -> Iterator[str]:
    """Give the lines of a plan, of which a small one may unpack to an endless one."""
    total = 0
    with gzip.open(folder / NAME, "rt", encoding="utf-8") as text:
        while line := text.readline(LONGEST):
            total += len(line)
            if len(line) == LONGEST or total > MOST_BYTES:
                raise ValueError("it is longer than a plan may be")
            yield line
    if not total:
        raise ValueError("it is empty")


def _head(line: str) -> Head:
    told = Head(**json.loads(line))
    if told.version != VERSION:
        raise ValueError(f"it is of version {told.version}")
    lists = (told.keys, told.data, told.words, told.launcher)
    if not all(isinstance(each, list) and all(map(_text, each)) for each in lists):
        raise ValueError("it lists what is no text")
    named = (told.tracking["uri"] or "", told.tracking["experiment"] or "", told.commit, told.name)
    if not all(map(_text, [*named, *told.code.values()])):
        raise ValueError("it names what is no text")
    return told


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _job(line: str, folder: Path) -> dict[str, Any]:
    """Read what is kept of a job; its folder is below that of the sweep."""
    told: dict[str, Any] = json.loads(line)
    place = told["place"]
    if not _text(place) or "\0" in place or ".." in Path(place).parts or Path(place).is_absolute():
        raise ValueError(f"a job lies elsewhere: {place!r:.60}")
    if folder.resolve() not in (folder / place).resolve().parents:
        raise ValueError(f"a job lies elsewhere: {place!r:.60}")
    texts = [*told["words"], *told["overrides"], *told["flags"], *told["special"], *told["varies"]]
    maps = told["params"], told["choices"]
    if not all(map(_text, [*texts, *(each for some in maps for each in some.values())])):
        raise ValueError("a job has what is no text")
    if not isinstance(told["config"], dict) or not isinstance(told["variant"], int | None):
        raise ValueError("a job is none")
    return told


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
        text = _lines(folder)
        told, lines = _head(next(text)), [_job(line, folder) for line in text]
        study = None if told.study is None else Study(**told.study)
        outputs = [str(line["config"]["outputs"]) for line in lines]
    except DAMAGE as error:
        why = " ".join(str(error).split())[:200]
        raise GdexpError(f"{folder / NAME}: cannot be read ({why}).") from None
    tracking = _tracking(told, master, named=named)
    frozen, jobs = Frozen(loader, folder), []
    for number, request in enumerate(_requests(folder, lines, tracking)):
        words = tuple(lines[number]["words"])
        frozen.keep_recorded(words, request, master)
        jobs.append(job_of(number, words, request, outputs[number]))
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
