"""What commands before this one left of a sweep: which jobs are done, and what the others need."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdexp.result import plural
from gdexp.tracking import Reader
from gdexp.tracking.jobs import FINE, JobState
from gdexp.tracking.journal import NAME, understood
from gdexp.tracking.tracked import tracked as note_of

Words = tuple[str, str, str]


@dataclass(frozen=True)
class Earlier:
    """How a sweep stood when this command took it up.

    Parameters
    ----------
    done, failed : sequence of int
        Jobs that stay as they are.
    on : mapping of int to int
        Jobs that were interrupted, and the bytes of their journals so far.
    anew : mapping of int to str
        Jobs that are run once more, from the start, and the tag of the journal that is replaced.
    begin : sequence of int
        Jobs that have not begun.
    seconds : float
        What the sweep has taken so far.
    forced : bool
        Whether something is not as it was.
    complete : bool
        Whether the sweep has ended, and all of it is in the store.
    """

    done: Sequence[int]
    failed: Sequence[int]
    on: Mapping[int, int]
    anew: Mapping[int, str]
    begin: Sequence[int]
    seconds: float
    forced: bool
    complete: bool

    @property
    def due(self) -> set[int]:
        """The jobs that are to be carried out now."""
        return {*self.on, *self.anew, *self.begin}

    @property
    def total(self) -> int:
        """How many jobs there are."""
        return len(self.done) + len(self.failed) + len(self.due)

    def told(self) -> str:
        """Count the jobs, by what has been done and what is to be done."""
        return self._told(
            self.on, self.anew, self.begin, ("to go on with", "to run again", "to run")
        )

    def carried_out(self, jobs: Sequence[JobState]) -> str:
        """Count the jobs, by what was done before and what this command came to do."""
        moved = {each.number for each in jobs if written(each.folder) > self.on.get(each.number, 0)}
        on, anew, begin = ([*moved & {*some}] for some in (self.on, self.anew, self.begin))
        return self._told(on, anew, begin, ("gone on with", "run again", "run"))

    def _told(
        self, on: Collection[int], anew: Collection[int], begin: Collection[int], words: Words
    ) -> str:
        parts = [f"{len(self.done)} done before"] if self.done else []
        parts += [f"{len(self.failed)} failed before"] if self.failed else []
        for jobs, word in zip((on, anew, begin), words, strict=True):
            parts += [f"{len(jobs)} {word}"] if jobs else []
        return f"{plural(self.total, 'job')}: {', '.join(parts)}"


def look(
    folder: Path,
    jobs: Mapping[int, Path],
    *,
    tracked: bool,
    retry_failed: bool = False,
    forced: bool = False,
    changed: Collection[int] = (),
) -> Earlier:
    """See how the jobs of a sweep stand, and what each needs.

    Parameters
    ----------
    folder : Path
        The sweep's own.
    jobs : mapping of int to Path
        The folder of each.
    tracked : bool
        Whether it goes to a store.
    retry_failed : bool
        Whether jobs that have failed are to be run again.
    forced : bool
        Whether the code is to be taken as it is.
    changed : collection of int
        Jobs whose data are others now.
    """
    found: dict[str, list[int]] = {need: [] for need in ("done", "failed", "begin", "anew", "on")}
    states = {number: JobState(number, place).now() for number, place in jobs.items()}
    for number, state in states.items():
        again = retry_failed and state.status == "FAILED"
        found[_need(state, again=again, changed=number in changed)].append(number)
    seconds, ended = _past(folder, jobs.values())
    return Earlier(
        done=found["done"],
        failed=found["failed"],
        on={number: written(jobs[number]) for number in found["on"]},
        anew={number: _journal(states[number]) for number in found["anew"]},
        begin=found["begin"],
        seconds=seconds,
        forced=forced,
        complete=bool(ended) and (not tracked or _all_tracked([folder, *jobs.values()])),
    )


def _need(state: JobState, *, again: bool, changed: bool) -> str:
    """Say what a job needs: nothing (done, failed), to begin, to begin anew, or to go on."""
    if state.status in FINE:
        return "done"
    if state.status == "FAILED" and not again:
        return "failed"
    if not state.start:  # or its first record is damaged: that is kept, and not read
        return "anew" if written(state.folder) else "begin"
    return "anew" if again or changed or not _can_go_on(state.start) else "on"


def _journal(state: JobState) -> str:
    """Give the tag of a job's journal; empty where it has none that can be read."""
    return str(state.start.get("tags", {}).get("gdexp.journal", ""))


def written(folder: Path) -> int:
    """Count the bytes of the whole lines of a journal."""
    try:
        return (folder / NAME).read_bytes().rfind(b"\n") + 1
    except OSError:
        return 0


def _all_tracked(folders: Iterable[Path]) -> bool:
    """Say whether a store is known to have all journals that there are."""
    for folder in folders:
        noted = note_of(folder)
        if written(folder) and (noted is None or not noted.whole(folder)):
            return False
    return True


def _can_go_on(start: Mapping[str, Any]) -> bool:
    """Say whether a job came to train, and learns from what is still there."""
    return "code" in start and start.get("config", {"stream": {}}).get("stream") is None


def _past(folder: Path, jobs: Collection[Path]) -> tuple[float, str]:
    """Give the seconds that a sweep has taken, and the status of its end, where it has one.

    A command that was killed has written no end: it is taken to have worked until the last record
    of a job.
    """
    seconds, began, ended = 0.0, None, ""
    with understood(folder):
        for record in Reader(folder).new():
            if record["kind"] in ("start", "resume"):
                began, ended = record["time"], ""
                seconds = record.get("seconds", 0.0)
            elif record["kind"] == "end":
                began, ended = None, record["status"]
                seconds = record["metrics"]["time/total_seconds"]
    if began is not None:
        last = max((_touched(each) for each in jobs), default=0.0)
        seconds += max(0.0, last - began / 1000)
    return seconds, ended


def _touched(folder: Path) -> float:
    try:
        return (folder / NAME).stat().st_mtime
    except OSError:
        return 0.0
