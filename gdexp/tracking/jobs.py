"""The jobs of a sweep as their journals tell of them: how each stands, and what it reached."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gdexp.tracking.journal import LONGEST, NAME, Reader, read_line, understood
from gdexp.tracking.tracked import tracked

LEFT = "LEFT"  # the state of a job that never began
PRUNED = "PRUNED"  # the state of a job that was ended as hopeless
STATES = ("FINISHED", PRUNED, "FAILED", "KILLED", "RUNNING", LEFT)
FINE = ("FINISHED", PRUNED)  # the states of jobs that went as they should
INTERRUPTED = ("KILLED", "RUNNING", LEFT)  # of those that are to be gone on with
TOLD = {
    "FINISHED": "finished",
    PRUNED: "pruned",
    "FAILED": "failed",
    "KILLED": "killed",
    "RUNNING": "running",
}
SHOWN = (  # of how a job began, and of how it ended
    *("engine.used", "engine.precision", "gdexp.engine_why"),
    *("gdexp.outcome", "gdexp.reason"),
)
TAIL = 2**16  # bytes in which the last record of a journal is looked for first
# What jobs are compared by, the first that there is, and whether more is better.
JUDGES = {
    "best/val_accuracy": 1,
    "best/train_accuracy": 1,
    "best/val_cost_mean": -1,
    "best/train_cost_mean": -1,
}


@dataclass(frozen=True)
class JobState:
    """How a job stands.

    Parameters
    ----------
    number : int
    folder : Path
    varies : mapping of str to str
        What tells it from the others, by the name of the setting.
    words : sequence of str
        Its overrides.
    status : str
        FINISHED, PRUNED, FAILED, KILLED, RUNNING, or LEFT where it has not begun.
    start, end : mapping
        The first and the last record of its journal, as far as it has them.
    """

    number: int
    folder: Path
    varies: Mapping[str, str] = field(default_factory=dict)
    words: Sequence[str] = ()
    status: str = LEFT
    start: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] = field(default_factory=dict)

    def now(self) -> "JobState":
        """Give how it stands now, from the first and the last record of its journal."""
        start, end = ends(self.folder)
        status = end["status"] if end else "RUNNING" if start else LEFT
        if end and end["tags"].get("gdexp.outcome") == "pruned":
            status = PRUNED
        return replace(self, status=status, start=start, end=end)

    def closed(self) -> "JobState":
        """Give it as its run is closed where nobody works at it: without an end it was killed."""
        return replace(self, status="KILLED") if self.status == "RUNNING" else self

    def lean(self) -> "JobState":
        """Give the same without what no table shows: of a thousand jobs, each counts."""
        start = {part: _some(self.start, part, SHOWN) for part in ("params", "tags")}
        end = {
            "status": self.end.get("status"),
            "metrics": _some(self.end, "metrics", self.end.get("metrics", {})),
            "tags": _some(self.end, "tags", SHOWN),
        }
        return replace(self, start=start if self.start else {}, end=end if self.end else {})

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of its end."""
        found = self.end.get("metrics", {})
        return {name: float(value) for name, value in found.items()}

    @property
    def outcome(self) -> str:
        """How it went: ok, diverged, lost_class, failed, killed; or its status."""
        outcome: str = self.end.get("tags", {}).get("gdexp.outcome", "")
        return outcome or TOLD.get(self.status, "not begun")

    @property
    def reason(self) -> str:
        """Why it failed, or went otherwise than it should."""
        reason: str = self.end.get("tags", {}).get("gdexp.reason", "")
        return reason

    @property
    def engine(self) -> str:
        """The engine and the precision that carried it out."""
        params = self.start.get("params", {})
        named = (params.get("engine.used"), params.get("engine.precision"))
        return ", ".join(filter(None, named))

    @property
    def run_id(self) -> str:
        """Its id in MLflow, where it has one."""
        noted = tracked(self.folder)
        return "" if noted is None else noted.run_id

    @property
    def judge(self) -> str:
        """The metric by which it is compared; empty where it has none."""
        metrics = self.metrics
        return next((name for name in JUDGES if math.isfinite(metrics.get(name, math.nan))), "")

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts jobs, the best first: by accuracy where they have one, else by cost."""
        if not (judge := self.judge):
            return len(JUDGES), float(self.number)
        return [*JUDGES].index(judge), -JUDGES[judge] * self.metrics[judge]

    @property
    def named(self) -> str:
        """Its number, and what tells it from the others."""
        told = " ".join(f"{name}={value}" for name, value in self.varies.items() if value)
        return f"job {self.number} ({told})" if told else f"job {self.number}"


def _some(record: Mapping[str, Any], part: str, names: Iterable[str]) -> dict[str, Any]:
    """Give some members of a part of a record, by names that all records share."""
    found = record.get(part, {})
    return {sys.intern(name): found[name] for name in names if name in found}


def states(folder: Path, *, lean: bool = False) -> list[JobState]:
    """Say how the jobs of a sweep stand.

    Parameters
    ----------
    folder : Path
        The sweep's own. Where it has no journal, as with a sweeper that is not ours, its jobs are
        those that have begun.
    lean : bool
        Whether only what tables show is held of each.
    """
    if not (folder / NAME).exists():
        found = sorted(folder.glob(f"*/{NAME}"), key=lambda path: int(path.parent.name))
        begun = [JobState(int(path.parent.name), path.parent).now() for path in found]
        return _varying(begun)
    records = Reader(folder).new()
    with understood(folder):
        known = {job["job"]: job for record in records for job in record.get("jobs", ())}
        last = known.values()  # that was said of each
        told = (listed(job, folder).now() for job in last)
        return [job.lean() if lean else job for job in told]


def _found(job: Path, sweep: Path) -> Path:
    """Give a job's folder, beside the journal of its sweep where that was moved with its jobs."""
    beside = sweep / job.name
    return beside if (beside / NAME).is_file() or not job.is_dir() else job


def listed(job: Mapping[str, Any], sweep: Path) -> JobState:
    """Give a job as the journal of its sweep, in that folder, lists it."""
    folder = _found(Path(job["folder"]), sweep)
    return JobState(job["job"], folder, settings_of(job["varies"]), job["overrides"])


def ends(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a journal's start and its end; empty where it has none yet, or cannot be read."""
    try:
        with (folder / NAME).open("rb") as file:
            first = file.readline(LONGEST)
            size = file.seek(0, 2)
            last = b""
            for reach in (min(TAIL, size), min(LONGEST, size)):
                file.seek(size - reach)
                last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
                if last.startswith(b'{"kind":"'):
                    break
        start, end = read_line(first.rstrip(b"\n")), read_line(last)
    except (OSError, ValueError):
        return _alone(folder)
    ended = end.get("kind") == "end" and {"status", "tags", "metrics"} <= end.keys()
    return start, end if ended else {}


def _alone(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the start of a journal whose last line is not whole."""
    try:
        with (folder / NAME).open("rb") as file:
            return read_line(file.readline(LONGEST).rstrip(b"\n")), {}
    except (OSError, ValueError):
        return {}, {}


def settings_of(words: Iterable[str]) -> dict[str, str]:
    """Give what overrides set, by name."""
    split = (word.lstrip("+~").partition("=") for word in words)
    return {name: value for name, _, value in split}


def _varying(jobs: Sequence[JobState]) -> list[JobState]:
    """Find out what varies, where no plan says it."""
    words = [job.start.get("tags", {}).get("gdexp.overrides", "").split() for job in jobs]
    each = [settings_of(some) for some in words]
    names = dict.fromkeys(name for settings in each for name in settings)
    varied = [name for name in names if len({settings.get(name) for settings in each}) > 1]
    return [
        replace(job, varies={name: settings.get(name, "") for name in varied})
        for job, settings in zip(jobs, each, strict=True)
    ]
