"""Runs and sweeps as their folders tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdexp.tracking import jobs
from gdexp.tracking.hold import FEED, RUN, held
from gdexp.tracking.journal import NAME
from gdexp.tracking.tracked import tracked

PLACES = ("runs/*/*", "sweeps/*/*", "sweeps/*/*/*")


@dataclass(frozen=True)
class Kept:
    """What the folder of a run, or of a sweep, holds.

    Parameters
    ----------
    folder : Path
    run_id : str
        The run's id in the store; empty where none was written down.
    start, end : mapping
        The first and the last record of its journal, as far as it has them.
    """

    folder: Path
    run_id: str
    start: Mapping[str, Any]
    end: Mapping[str, Any]

    @property
    def journal(self) -> str:
        """The tag by which a store knows whose journal this is; empty where there is none."""
        return str(self.start.get("tags", {}).get("gdexp.journal", ""))

    @property
    def locked(self) -> bool:
        """Whether it has a lock, held or not: a run that is not finished, and no sweep."""
        return (self.folder / RUN).exists()

    @property
    def trained(self) -> bool:
        """Whether a process has a hold on it, and trains."""
        return held(self.folder, RUN)

    @property
    def fed(self) -> bool:
        """Whether a process has a hold on it, and brings it into the store."""
        return held(self.folder, FEED)

    @property
    def last(self) -> int:
        """When its journal was last written to, in ms since 1970."""
        return round((self.folder / NAME).stat().st_mtime * 1000)


def kept(outputs: Path) -> list[Kept]:
    """Give the folders of all runs and sweeps, the oldest first."""
    paths = sorted(path for place in PLACES for path in outputs.glob(f"{place}/{NAME}"))
    return [Kept(path.parent, _run_id(path.parent), *jobs.ends(path.parent)) for path in paths]


def _run_id(folder: Path) -> str:
    noted = tracked(folder)
    return "" if noted is None else noted.run_id
