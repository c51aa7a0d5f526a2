"""A run as its record in MLflow has it: read, and checked against itself."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gdexp.errors import GdexpError
from gdexp.replay import trusted
from gdexp.replay.values import END, Values, is_time, of_journal
from gdexp.stored import Reader, StoredRun, files
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.journal import read_line, seal, unseal
from gdexp.trusted import check_targets

CONFIG = "config/resolved.yaml"
NODES = ("git", "packages", "threads")  # of environment.json
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Recorded:
    """What is known of a run.

    Parameters
    ----------
    run : StoredRun
    config : mapping
        As composed then; see `trusted`.
    values : Values
        What it logged.
    digests : mapping of str to str
        Of the data, by what they were for: train, validation, test.
    environment : mapping
        As `tracking.environment` describes it; empty where that is missing.
    diff : str or None
        How the code differed from its commit; None where it is not known.
    notes : sequence of str
        What of the record is missing.
    """

    run: StoredRun
    config: dict[str, Any]
    values: Values
    digests: Mapping[str, str]
    environment: Mapping[str, Any] = field(default_factory=dict)
    diff: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the run went its way to the end."""
        return self.run.status == "FINISHED"

    @property
    def last(self) -> int:
        """The last epoch of which something is recorded."""
        return int(max((at for at in self.values if at != END), default=0))

    @property
    def commit(self) -> str | None:
        """The commit of the code; None where none is recorded."""
        commit = self.environment.get("git", {}).get("commit")
        return commit if isinstance(commit, str) and re.fullmatch("[0-9a-f]{40}", commit) else None

    @property
    def dirty(self) -> bool:
        """Whether the code differed from its commit."""
        return bool(self.environment.get("git", {}).get("dirty"))


def recorded(reader: Reader, run: StoredRun, uri: str) -> Recorded:
    """Read the record of a run.

    Parameters
    ----------
    reader : Reader
    run : StoredRun
    uri : str
        The store.

    Raises
    ------
    GdexpError
        Where there is not what a replay needs, or where the record contradicts itself.
    """
    who = f"run {run.id[:8]}"
    if run.status == "RUNNING":
        raise GdexpError(f"{who} is still running. Replay it when it has ended.")
    config = _config(run, uri, who)
    digests = reader.digests(run.id)
    notes = []
    journal = _journal(run, uri, who)
    if journal is not None:
        values, told = journal
        _agree(who, CONFIG, _plain(config), told["config"])
        _agree(who, "the data sets of the store", digests, told["digests"])
        _agree_at_end(who, run, values.get(END, {}))
        digests = {**digests, **told["digests"]}
    else:
        notes.append(f"{JOURNAL} is missing: compared with what the store has, of a curve at most")
        notes[-1] += " 320 points"
        values = _stored(reader, run.id)
    if not values:
        raise GdexpError(f"{who}: nothing that it logged is in its record.")
    environment = _environment(run, uri)
    if not environment:
        notes.append("environment.json is missing: what else differs is not known")
    return Recorded(run, config, values, digests, environment, _diff(run, uri), tuple(notes))


def _config(run: StoredRun, uri: str, who: str) -> dict[str, Any]:
    data = files.read(run, CONFIG, uri)
    try:
        config = trusted.parsed(data)
        check_targets(config)
    except GdexpError as error:
        raise GdexpError(f"{who}: its {CONFIG} {_joined(error)}") from None
    return config


def _joined(error: GdexpError) -> str:
    text = str(error)
    told = text if text.startswith(("has ", "is ")) else f"is refused: {text}"
    return told if told.endswith(".") else f"{told}."


def _journal(run: StoredRun, uri: str, who: str) -> tuple[Values, dict[str, Any]] | None:
    """Read the journal: its values, and what its start says; None where there is none."""
    try:
        data = files.read(run, JOURNAL, uri)
    except GdexpError:
        return None
    records, number = [], 0
    try:
        for number, line in enumerate(data.split(b"\n")[:-1], 1):  # noqa: B007 - told below
            records.append(read_line(line))
        start = records[0]
        sets = {str(each["context"]): str(each["digest"]) for each in start["datasets"]}
        return of_journal(records), {"config": start["config"], "digests": sets}
    except UNREADABLE as error:
        told = " ".join(str(error).split())[:100] or type(error).__name__
        raise GdexpError(f"{who}: its {JOURNAL} is damaged, at line {number} ({told}).") from None


def _plain(config: dict[str, Any]) -> Any:
    """Give a configuration as a journal has it: infinities are texts there."""
    return unseal(seal({"config": config}))["config"]


def _agree(who: str, what: str, mine: Mapping[str, Any], theirs: Any, path: str = "") -> None:
    """Refuse a record of which two parts say different things."""
    if not isinstance(theirs, Mapping):
        raise GdexpError(f"{who}: its {JOURNAL} has no {path or 'configuration'} as {what} has.")
    for key in sorted({*mine, *theirs}):
        name = f"{path}.{key}" if path else str(key)
        here, there = mine.get(key), theirs.get(key)
        if isinstance(here, dict) and isinstance(there, dict):
            _agree(who, what, here, there, name)
        elif here != there and not (key not in mine and what != CONFIG):
            raise GdexpError(
                f"{who}: its record contradicts itself, and is not replayed: "
                f"{name} is {_short(here)} in {what}, {_short(there)} in {JOURNAL}."
            )


def _agree_at_end(who: str, run: StoredRun, end: Mapping[str, float]) -> None:
    once = {name: run.metrics[name] for name in end if name in run.metrics and not is_time(name)}
    _agree(who, "the store", once, {name: end[name] for name in once})


def _short(value: Any) -> str:
    return "missing" if value is None else repr(value)[:60]


def _stored(reader: Reader, run_id: str) -> Values:
    """Give the values that the store has: figures of the end stand at step 0."""
    values: Values = {}
    for each in reader.histories([run_id]).itertuples():
        if each.metric.startswith("by_update/"):
            continue  # what was measured after epochs, once more
        once = each.metric.startswith(("best/", "final/", "time/"))
        values.setdefault(END if once else int(each.step), {})[each.metric] = float(each.value)
    return dict(sorted(values.items()))


def _environment(run: StoredRun, uri: str) -> dict[str, Any]:
    try:
        found = json.loads(files.read(run, "environment.json", uri))
    except (GdexpError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    nodes = {name: found.get(name) for name in NODES}
    return {
        **found,
        **{name: each if isinstance(each, dict) else {} for name, each in nodes.items()},
    }


def _diff(run: StoredRun, uri: str) -> str | None:
    try:
        return files.read(run, "git.diff", uri).decode(errors="replace")
    except GdexpError:
        return None
