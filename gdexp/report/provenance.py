"""Where the figures come from: code, versions, data, and the command of each run."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gdexp.errors import GdexpError
from gdexp.stored import StoredRun, files

MOST_FAR = 20  # runs whose files are fetched, where they are not on this machine
NOTE = re.compile(r"^ {4}(python -m gdexp\b.*)$", re.MULTILINE)
SHOWN = ("python", "numpy", "scipy", "numba", "mlflow")


@dataclass(frozen=True)
class Provenance:
    """What it takes to get the same figures again.

    Parameters
    ----------
    facts : mapping of str to sequence of str
        By what is told, its values: one where all runs agree.
    read : int
        Of how many runs the files were read, which tell versions and data.
    commands : sequence of (StoredRun, str)
        What repeats each run.
    """

    facts: Mapping[str, Sequence[str]]
    read: int
    commands: Sequence[tuple[StoredRun, str]]


def provenance(runs: Sequence[StoredRun], uri: str) -> Provenance:
    """Gather what runs say of their code, their environment and their data.

    Parameters
    ----------
    runs : sequence of StoredRun
    uri : str
        The store, from which files are read that are not on this machine.
    """
    told: dict[str, Counter[str]] = {}
    for run in runs:
        for name, value in _tagged(run):
            told.setdefault(name, Counter())[value] += 1
    sample = [run for run in runs if _near(run)] or list(runs[:MOST_FAR])
    for run in sample:
        for name, value in [*_environment(run, uri), *_data(run, uri)]:
            told.setdefault(name, Counter())[value] += 1
    facts = {name: _shown(values) for name, values in told.items()}
    return Provenance(facts, len(sample), [(run, command(run)) for run in runs])


def command(run: StoredRun) -> str:
    """Give the command that repeats a run, on one line."""
    noted = NOTE.search(run.tags.get("mlflow.note.content", ""))
    words = noted[1] if noted else f"python -m gdexp {run.tag('overrides') or ''}"
    return " ".join(words.split())


def _tagged(run: StoredRun) -> Iterator[tuple[str, str]]:
    yield "gdexp", run.tag("version") or "unknown"
    commit = run.tags.get("mlflow.source.git.commit", "not in a checkout")
    yield "commit", commit + (" and changes" if run.tag("git_dirty") == "True" else "")
    engine, precision = run.params.get("engine.used"), run.params.get("engine.precision")
    if engine:
        yield "engine", f"{engine}, {precision}"


def _environment(run: StoredRun, uri: str) -> Iterator[tuple[str, str]]:
    found = _json(_read(run, "environment.json", uri))
    packages = found.get("packages")
    versions = {**found, **(packages if isinstance(packages, dict) else {})}
    told = [f"{name} {versions[name]}" for name in SHOWN if versions.get(name)]
    if told:
        yield "versions", ", ".join(told)
    if found.get("platform"):
        yield "platform", f"{found['platform']}"


def _data(run: StoredRun, uri: str) -> Iterator[tuple[str, str]]:
    start = _json(_read(run, "journal.jsonl", uri).partition(b"\n")[0])
    datasets = start.get("datasets")
    for each in datasets if isinstance(datasets, list) else []:
        with suppress(TypeError, KeyError, ValueError):
            n = json.loads(each["profile"])["examples"]
            yield "data", f"{each['name']}: {n:,} examples, digest {each['digest']}"


def _near(run: StoredRun) -> bool:
    folder = files.local(run)
    return folder is not None and folder.is_dir()


def _read(run: StoredRun, name: str, uri: str) -> bytes:
    """Read a file of a run, of a journal here only its first line; empty where it is not there."""
    folder = files.local(run)
    with suppress(GdexpError, OSError):
        if folder is not None and name.endswith(".jsonl"):
            with (folder / name).open("rb") as file:
                return file.readline()
        return files.read(run, name, uri)
    return b""


def _json(text: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def _shown(values: Counter[str]) -> list[str]:
    """Give values, the most frequent first, with their numbers where there are several."""
    ordered = sorted(values.items(), key=lambda each: (-each[1], each[0]))
    return [value for value, _ in ordered]
