"""What is otherwise now than it was when a run was recorded: environment and code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gdexp.replay.recorded import Recorded

NAMES = {
    "numpy": "NumPy",
    "scipy": "SciPy",
    "numba": "Numba",
    "scikit-learn": "scikit-learn",
    "pandas": "pandas",
    "pyarrow": "PyArrow",
    "pillow": "Pillow",
}
# What numbers may depend on; packages and the code aside. Not whose machine it is, nor how busy.
PLAIN = {
    "python": "Python",
    "blas": "BLAS",
    "simd": "vector instructions",
    "threads": "threads",
    "platform": "system",
    "machine": "processor",
}
SHORT = 8  # digits of a commit that are shown


@dataclass(frozen=True)
class Changed:
    """What differs, in words.

    Parameters
    ----------
    environment, code : sequence of str
        Such as ``NumPy 2.3.1 -> 2.4.0``.
    """

    environment: list[str]
    code: list[str]


def changed(record: Recorded, environment: Mapping[str, Any], diff: str | None) -> Changed:
    """Compare a record with where its replay ran.

    Parameters
    ----------
    record : Recorded
    environment : mapping
        As `tracking.environment` describes what is here.
    diff : str or None
        How the code here differs from its commit.
    """
    if not record.environment:
        return Changed([], [])
    return Changed(
        [*_environment(record.environment, environment)], [*_code(record, environment, diff)]
    )


def _environment(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for package, name in NAMES.items():
        before, after = then["packages"].get(package), now["packages"].get(package)
        if before != after:
            yield f"{name} {before or 'missing'} -> {after or 'missing'}"
    for key, name in PLAIN.items():
        if then.get(key) != now.get(key):
            yield f"{name} {_shown(then.get(key))} -> {_shown(now.get(key))}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(each) for each in value.values())
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _code(record: Recorded, now: Mapping[str, Any], diff: str | None) -> Iterator[str]:
    if record.environment.get("gdexp") != now["gdexp"]:
        yield f"gdexp {record.environment.get('gdexp')} -> {now['gdexp']}"
    here = now["git"]
    if record.commit != here.get("commit"):
        yield f"commit {_commit(record.commit)} -> {_commit(here.get('commit'))}"
    dirty = bool(here.get("dirty"))
    if record.dirty != dirty:
        yield "uncommitted changes then, none now" if record.dirty else "uncommitted changes now"
    elif dirty and record.diff != diff:
        yield "other uncommitted changes"


def _commit(commit: str | None) -> str:
    return commit[:SHORT] if commit else "unknown"
