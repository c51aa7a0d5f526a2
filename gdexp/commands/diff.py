"""python -m gdexp diff: in what two runs differ, and where their trajectories part.

Settings, environment, data and code are laid side by side; then every value that both measured is
compared, bit by bit, from the start on.

  python -m gdexp diff latest~1 latest
  python -m gdexp diff 3c35fc2e outputs/runs/2026-11-24/15-47-02-627537
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gdexp.commands.words import Parser, open_reader, tracking_of
from gdexp.comparison import Aspect, beside, by_update, settings, trajectories
from gdexp.errors import GdexpError
from gdexp.stored import StoredRun, files, find_one, history


def main(words: Sequence[str]) -> int:
    """Compare two runs, print in what they differ, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        References to two runs, and settings of the store.

    Raises
    ------
    GdexpError
        Where these are not two runs, or the store cannot be read.
    """
    given = _parser().read(words)
    if len(given.runs) != 2:
        raise GdexpError(
            f"diff: two runs must be named. Got {len(given.runs)}. "
            "python -m gdexp runs lists those that there are."
        )
    reader, experiment = open_reader(given)
    one, other = (find_one(reader, each, experiment) for each in given.runs)
    if one.id == other.id:
        raise GdexpError(f"diff: both are run {one.id[:8]}. Name two.")
    uri = str(tracking_of(given.store).uri)
    histories = history(reader, one, uri), history(reader, other, uri)
    aspects = [
        *settings(one, other),
        beside("environment", *(_environment(run, uri) for run in (one, other))),
        beside("data", *(each.digests for each in histories)),
        _code(one, other, uri),
    ]
    points = reader.histories([one.id, other.id])
    told = [*trajectories(*histories), *by_update(points, one.id, other.id)]
    from gdexp.tables.diff import print_diff

    print_diff(one, other, aspects, told)
    return 0


def _parser() -> Parser:
    return Parser("diff", __doc__ or "").with_runs(where=False)


def _environment(run: StoredRun, uri: str) -> dict[str, str] | None:
    """Read what a run ran in, flat; None where it left no such file, or a damaged one."""
    try:
        found = json.loads(files.read(run, "environment.json", uri))
    except (GdexpError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    found.pop("git", None)  # is told with the code
    return _flat(found)


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, each in value.items():
        name = f"{path}.{key}" if path else key
        flat |= _flat(each, name) if isinstance(each, dict) else {name: _plain(each)}
    return flat


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _code(one: StoredRun, other: StoredRun, uri: str) -> Aspect:
    return beside("code", *(_version(run, uri) for run in (one, other)))


def _version(run: StoredRun, uri: str) -> dict[str, str] | None:
    commit = run.tags.get("mlflow.source.git.commit")
    version = {"gdexp": run.tag("version") or "?"}
    if commit is None:
        return version
    dirty = run.tag("git_dirty") == "True"
    return {
        **version,
        "commit": commit[:12],
        "changes to it": _changes(run, uri) if dirty else "none",
    }


def _changes(run: StoredRun, uri: str) -> str:
    """Name uncommitted changes by their content, so that equal ones are told as equal."""
    try:
        diff = files.read(run, "git.diff", uri)
    except GdexpError:
        return "some, which are not recorded"
    lines = sum(line[:1] in (b"+", b"-") for line in diff.splitlines())
    return f"{lines} lines, {hashlib.sha256(diff).hexdigest()[:8]}"
