"""``python -m gdexp resume SWEEP``: goes on with a sweep, from the plan in its folder alone."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.tracking import jobs
from gdexp.tracking.journal import NAME
from gdexp.tracking.tracked import tracked

PLAN = "plan.jsonl.gz"  # of `gdexp.sweeps.kept`, which takes Hydra to import
SHORTEST = 4  # characters of an id that may stand for the whole
SETTINGS = ("launcher=", "launcher.", "sweep.fail_fast=", "sweep.dry_run=")


def named(reference: str, outputs: Path) -> Path | None:
    """Find the folder of the sweep that is meant; None where it is none.

    Parameters
    ----------
    reference : str
        Its folder, the id of its run or the beginning of it, its own id, or its name.
    outputs : Path
        The folder of all runs.

    Raises
    ------
    GdexpError
        Where several are meant.
    """
    path = Path(reference).expanduser()
    if (path / NAME).is_file() or (path / PLAN).is_file():
        return path.absolute() if (path / PLAN).is_file() or _is_sweep(path) else None
    found = [folder for folder in _sweeps(outputs) if _meant(folder, reference)]
    if len(found) > 1:
        ids = ", ".join("_".join(folder.parts[-2:]) for folder in found[-5:])
        raise GdexpError(f"sweep {reference!r}: {len(found)} are meant. Write one of {ids}.")
    return found[0] if found else None


def resume(folder: Path, given: argparse.Namespace) -> int:
    """Go on with a sweep; give the exit status.

    Raises
    ------
    GdexpError
        Where it cannot go on.
    """
    from gdexp import app
    from gdexp.sweeps import kept
    from gdexp.task import Task

    head = kept.head(folder)
    if head is None and jobs.ends(folder)[0].get("tags", {}).get("gdexp.search"):
        raise GdexpError(
            f"{folder}: a search goes on with its own command, and sweep.resume=true: "
            f"{jobs.ends(folder)[0]['command']} sweep.resume=true"
        )
    if head is None:
        told = f"no {kept.NAME} that can be read" if (folder / NAME).is_file() else "no sweep"
        raise GdexpError(f"{folder}: holds {told}. Begin the sweep anew.")
    own = checked(given.settings)
    words = [
        *(f"sweep.{name}=true" for name in ("resume", *_flags(given))),
        *_without(head.launcher, own),
        *own,
        *(f"{name}={value}" for name, value in given.store.items() if name != "outputs"),
    ]
    return app.launch(["-m", *words], lambda session: Task(session, folder))


def checked(words: Sequence[str]) -> list[str]:
    """Give settings that a sweep may go on with.

    Raises
    ------
    GdexpError
        At one that decides what is computed.
    """
    for word in words:
        if not word.startswith(SETTINGS):
            raise GdexpError(
                f"{word}: a sweep goes on with the settings that it began with. Write settings of "
                "the launcher only, such as launcher.workers=2."
            )
    return [*words]


def _flags(given: argparse.Namespace) -> list[str]:
    return [name for name in ("force", "retry_failed") if getattr(given, name)]


def _without(recorded: Sequence[str], own: Sequence[str]) -> list[str]:
    """Give what is recorded of the launcher, where nothing else is written now."""
    if any(word.startswith("launcher=") for word in own):
        return []
    names = {f"hydra.{word.partition('=')[0]}" for word in own}
    return [word for word in recorded if word.partition("=")[0] not in names]


def _sweeps(outputs: Path) -> Iterator[Path]:
    for file in sorted(outputs.glob(f"sweeps/*/*/{NAME}")):
        if _is_sweep(file.parent):
            yield file.parent


def _is_sweep(folder: Path) -> bool:
    tags: dict[str, str] = jobs.ends(folder)[0].get("tags", {})
    return tags.get("gdexp.kind") == "sweep"


def _meant(folder: Path, reference: str) -> bool:
    if reference in ("_".join(folder.parts[-2:]), jobs.ends(folder)[0].get("name")):
        return True
    noted = tracked(folder)
    meant = noted is not None and noted.run_id.startswith(reference)
    return meant and len(reference) >= SHORTEST
