"""MLflow without libraries that a SQLite store needs nothing of: a quarter of its CPU.

MLflow goes without data frames where they are not installed, as its own small distribution,
mlflow-skinny, has it; of FastAPI it takes the name of an error that only its gateway raises. What
is imported of MLflow meanwhile stays without them: so this is for a process that only feeds.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import distributions, version
from types import ModuleType

from gdexp.tracking.settings import SQLITE

KNOWN = ("3.17.",)  # other versions are left as they are, and slower
ABSENT = ("pandas", "pyarrow", "scipy", "sklearn", "matplotlib", "pygments")


@contextmanager
def imports(uri: str) -> Iterator[None]:
    """Import MLflow meanwhile as if those were not there; whoever imports them later has them.

    Parameters
    ----------
    uri : str
        The store's. Only for SQLite, and where nobody's plugin is installed: that needs anything.
    """
    spared: dict[str, ModuleType | None] = {}
    if uri.startswith(SQLITE) and version("mlflow").startswith(KNOWN) and not _plugins():
        spared = {name: each for name, each in _spared().items() if name not in sys.modules}
    sys.modules.update(spared)  # type: ignore[arg-type]  # None: an import that fails
    try:
        yield
    finally:
        for name in spared:
            sys.modules.pop(name, None)


@cache
def _plugins() -> bool:
    """Say whether anybody but MLflow itself brings something for MLflow."""
    return any(
        entry.group.startswith("mlflow.") and not entry.value.startswith("mlflow.")
        for distribution in distributions()
        for entry in distribution.entry_points
    )


def _spared() -> dict[str, ModuleType | None]:
    fastapi = ModuleType("fastapi")
    fastapi.__spec__ = ModuleSpec("fastapi", None)  # for who only asks whether it is there
    fastapi.HTTPException = type("HTTPException", (Exception,), {})  # type: ignore[attr-defined]
    return {**dict.fromkeys(ABSENT), "fastapi": fastapi}
