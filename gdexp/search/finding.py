"""The search that a command goes on with: found by what it asks for, held while it goes."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gdexp.complain import clear_away
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.search.settings import Settings
from gdexp.search.space import Space
from gdexp.search.study import NAME as STUDY
from gdexp.sweeps import claims
from gdexp.sweeps.kept import shown
from gdexp.tracking import Reader
from gdexp.tracking.environment import code
from gdexp.tracking.hold import Hold
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.journal import mend

FILE = "search.json"


def signature(space: Space, settings: Settings, request: Request) -> str:
    """Name what a search is: equal ones are one search, which may be gone on with.

    How many trials there are to be, and how many go at once, is no part of it.

    Parameters
    ----------
    space : Space
    settings : Settings
    request : Request
        What one of the space's ends asks for: it has all that the menu sets.
    """
    own = {
        name: getattr(settings, name)
        for name in ("sampler", "seed", "objective", "direction", "pruner", "warmup", "seeds")
    }
    axes = [(axis.name, axis.told) for axis in space.axes]
    store = shown(request.experiment.tracking)
    told = json.dumps([sorted(space.fixed), axes, own, request.key, store], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def found(outputs: Path, wanted: str) -> Path:
    """Find the latest search that is meant.

    Raises
    ------
    GdexpError
        Where there is none, or where the code is not that with which it began.
    """
    for path in sorted(outputs.glob(f"sweeps/*/*/{FILE}"), reverse=True):
        with suppress(OSError, ValueError, LookupError, TypeError):
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["signature"] == wanted and (path.parent / STUDY).is_file():
                _check_code(path.parent, told["code"])
                return path.parent
    raise GdexpError(
        f"sweep.resume=true: no search of this space, with these settings, is in "
        f"{outputs / 'sweeps'}. Leave it out to begin one."
    )


def _check_code(folder: Path, then: dict[str, str]) -> None:
    now = code()
    other = [name for name in now if now[name] != then.get(name)]
    if other:
        told = ", ".join(f"{name} {then.get(name, 'none')} is now {now[name]}" for name in other)
        raise GdexpError(
            f"{folder}: the code is not that which the search began with ({told}). "
            "Bring that back, or begin a new search: leave sweep.resume out."
        )


def listed(folder: Path) -> list[dict[str, Any]]:
    """Give the jobs of a search, as its record lists them, in the order of their numbers."""
    mend(folder)
    jobs = [job for record in Reader(folder).new() for job in record.get("jobs", ())]
    return [each for _, each in sorted({job["job"]: job for job in jobs}.items())]


def note(folder: Path, **more: Any) -> None:
    """Write down what a search is, and what it found."""
    path, told = folder / FILE, {}
    with suppress(OSError, ValueError):
        told = json.loads(path.read_text(encoding="utf-8"))
    part = folder / f"{FILE}.part"
    part.write_text(json.dumps({**told, **more}, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


@contextmanager
def held(folder: Path, outputs: Path, wanted: str) -> Iterator[Hold]:
    """Hold the folder of a search; of one that did not begin, nothing stays.

    Raises
    ------
    GdexpError
        Where another process is at it.
    """
    new = not (folder / JOURNAL).exists()
    folder.mkdir(parents=True, exist_ok=True)
    hold = claims.take(folder)
    try:
        if new:
            note(folder, signature=wanted, code=code())
        yield hold
    except BaseException:
        if not (folder / JOURNAL).exists():
            for name in (FILE, STUDY):
                (folder / name).unlink(missing_ok=True)
            hold.let_go(remove=True)
            clear_away(folder, outputs)
        raise
