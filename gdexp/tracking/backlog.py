"""Journals below a folder, and whether a store can be brought up to date from them."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdexp.tracking.hold import RUN, TRAINING, held, in_hand
from gdexp.tracking.jobs import ends
from gdexp.tracking.journal import NAME, Reader, mend
from gdexp.tracking.tracked import Tracked, tracked

# Folders that hold no runs of their own: a store's artifacts have copies of journals, and a
# server's data are another user's.
WITHOUT = ("artifacts", "checkpoints", "config", "diagnostics", "images", "report", "server")


@dataclass(frozen=True)
class Entry:
    """A run, or a sweep with its jobs.

    Parameters
    ----------
    folder : Path
    start : mapping
        The first record of its journal; empty where that cannot be read.
    jobs : sequence of Entry
        Of a sweep, those that have begun.
    """

    folder: Path
    start: Mapping[str, Any]
    jobs: Sequence["Entry"] = ()

    @property
    def sweep(self) -> bool:
        """Whether it is a sweep."""
        return bool(self.start.get("tags", {}).get("gdexp.kind") == "sweep")

    @property
    def whole(self) -> bool:
        """Whether a store is known to have all of it."""
        noted = tracked(self.folder)
        here = noted is not None and noted.whole(self.folder)
        return here and all(job.whole for job in self.jobs)

    @property
    def tracking(self) -> Mapping[str, Any] | None:
        """Where it was to be tracked, as it recorded that; None where nothing is recorded."""
        for start in (self.start, *(job.start for job in self.jobs)):
            found = start.get("tracking") or start.get("config", {}).get("tracking")
            if isinstance(found, dict) and _named(found):
                outputs = start.get("outputs") or start.get("config", {}).get("outputs")
                return {**found, "outputs": outputs}
        return None

    @property
    def noted(self) -> Tracked | None:
        """What is noted of where it is, or the first of its jobs; None where it is nowhere."""
        noted = (tracked(each.folder) for each in (self, *self.jobs))
        return next((each for each in noted if each is not None), None)


def _named(tracking: Mapping[str, Any]) -> bool:
    """Whether what is recorded of a store can be one."""
    named = (tracking.get("uri"), tracking.get("experiment"))
    return all(isinstance(each, str | None) for each in named)


def entries(path: Path) -> list[Entry]:
    """Give what lies at or below a path, sweeps with their jobs, the oldest first."""
    if not (path / NAME).exists() or not _is_sweep(path.parent):
        return [*_below(path)]
    return [*_below(path.parent)]  # a job's run is to be below that of its sweep


def _below(path: Path) -> Iterator[Entry]:
    if (path / NAME).is_file():
        entry = Entry(path, ends(path)[0])
        if not entry.sweep:
            yield entry
            return
        jobs = [Entry(each.parent, ends(each.parent)[0]) for each in path.glob(f"*/{NAME}")]
        yield Entry(path, entry.start, sorted(jobs, key=lambda job: _number(job.folder)))
        return
    with os.scandir(path) as listed:
        names = [each.name for each in listed if each.is_dir(follow_symlinks=False)]
    for name in sorted(names):
        if name not in WITHOUT and not name.startswith("."):
            yield from _below(path / name)


def _number(folder: Path) -> tuple[int, str]:
    return int(folder.name) if folder.name.isdecimal() else -1, folder.name


def _is_sweep(folder: Path) -> bool:
    return Entry(folder, ends(folder)[0]).sweep


def unfinished(entry: Entry) -> str:
    """Say why a journal is not to be touched; empty where it has an end, or nobody writes to it."""
    if ends(entry.folder)[1]:
        return ""
    tags = entry.start.get("tags", {})
    host, here = tags.get("gdexp.host"), socket.gethostname()
    if host is not None and host != here:
        return f"begun on the machine {host}, and may be going on there"
    return "still going on" if _carried_out(entry) else ""


def mended(entry: Entry) -> str:
    """Drop what a power cut left of the last records; says so, where there was something.

    Raises
    ------
    JournalError
        Where it is damaged in the middle.
    """
    told = "" if ends(entry.folder)[1] else mend(entry.folder)
    if entry.sweep:  # its jobs need what it says: of a run, whoever follows it says so
        for _ in Reader(entry.folder).new():
            pass
    return told


def _carried_out(entry: Entry) -> bool:
    """Say whether a process trains a run, or carries a sweep out; older sweeps have no hold."""
    if entry.sweep and not (entry.folder / RUN).exists():
        return in_hand(entry.start.get("tags", {}), [TRAINING])
    return held(entry.folder, RUN)
