"""What can be mended without a question: what runs say they are, and what can be had again."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from gdexp.doctor import caches, journals, store
from gdexp.doctor.check import Place
from gdexp.doctor.standing import ENDED, GONE, OTHER, Standing, standings
from gdexp.tracking import jobs, moved
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.mend import Closing, close
from gdexp.tracking.standings import headline

GONE_WHY = "its process ended without a word"


def treat(place: Place) -> Iterator[str]:
    """Mend what can be mended; tell what was done, a line each.

    Runs whose process is gone are closed as KILLED, others as their journals say; torn ends of
    journals are dropped, damaged files of caches removed, and the places of a moved store named.
    """
    yield from _name_places(place)
    yield from journals.mended(place)
    yield from caches.removed()
    yield from _close_runs(place)


def _name_places(place: Place) -> Iterator[str]:
    path = place.tracking.database
    if path is None or store.relocated(place) is None:
        return
    try:
        found = moved.moves(path, [place.outputs])
        count = moved.mend(path, found)
    except sqlite3.Error as error:
        yield f"{path}: the places of artifacts are not named anew ({error})"
        return
    yield from (f"artifacts of {count} runs: {move.old} is now {move.new}" for move in found)


def _close_runs(place: Place) -> Iterator[str]:
    opened, runs = store.opened(place)
    if not opened.ok:
        return
    with ExitStack() as holds:
        wrong = [
            each
            for each in standings(place, runs)
            if each.state in (ENDED, OTHER) or (each.state == GONE and _held(each, holds))
        ]
        if not wrong:
            return
        closings = {each.run.id: _closing(each) for each in wrong}
        refused = close(place.tracking, [*closings.values()])
    for each in wrong:
        why, run = refused.get(each.run.id), each.run
        done = f"not closed: {why}" if why else f"is {closings[run.id].status} now"
        yield f"{run.id[:8]} {run.name}: {done}"
        if each.kept is not None:
            yield f"what it lacks comes with python -m gdexp sync {each.kept.folder}"


def _held(standing: Standing, holds: ExitStack) -> bool:
    """Get hold of a run, so that nobody goes on with it meanwhile; a sweep has no such hold."""
    kept = standing.kept
    if kept is None or not kept.locked:
        return True
    try:
        holds.callback(Hold(kept.folder, RUN).let_go)
    except OSError:  # somebody goes on with it, or its folder cannot be written
        return not kept.trained
    return True


def _closing(standing: Standing) -> Closing:
    run, kept = standing.run, standing.kept
    if kept is not None and kept.end:
        return Closing(run.id, kept.end["status"], kept.end["time"], kept.end["tags"])
    tags = {"gdexp.outcome": "killed", "gdexp.reason": GONE_WHY}
    if kept is None:
        return Closing(run.id, "KILLED", run.start, tags)
    tags |= _note(kept.start, run.tag("kind") == "sweep", standing)
    return Closing(run.id, "KILLED", kept.last, tags, str(kept.folder))


def _note(start: Mapping[str, Any], sweep: bool, standing: Standing) -> dict[str, str]:
    """Describe a run that was killed; of a sweep, how its jobs stand."""
    if not sweep or standing.kept is None:
        return {"mlflow.note.content": f"killed: {GONE_WHY}"}
    told = headline([job.closed() for job in jobs.states(standing.kept.folder)])
    return {
        "gdexp.jobs": told.partition(";")[0],
        "mlflow.note.content": f"{told}\n\n    {start.get('command', '')}\n",
    }
