"""The standings of a sweep that goes on, against those of all its jobs at once."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.tracking.jobs import LEFT, JobState
from gdexp.tracking.journal import Journal
from gdexp.tracking.standings import Standings, headline

STEPS = st.sampled_from(["begins", "FINISHED", "FAILED", "KILLED", "pruned", "looked at"])


def end(folder: Path, status: str, accuracy: float) -> None:
    journal, outcome = Journal.reopened(folder), {"gdexp.outcome": status}
    what: dict[str, Any] = {"artifacts": [], "model": None, "tags": outcome}
    status = "FINISHED" if status == "pruned" else status
    journal.write("end", status=status, metrics={"best/val_accuracy": accuracy}, **what)
    journal.close()


@settings(max_examples=40)
@given(
    steps=st.lists(st.tuples(STEPS, st.integers(0, 5), st.integers(0, 9)), max_size=25),
    left=st.integers(0, 3),
)
def test_they_are_those_of_all_jobs_whenever_they_are_looked_at(
    steps: list[tuple[str, int, int]], left: int
) -> None:
    found, jobs = Standings(), dict[int, JobState]()
    open_: set[int] = set()
    with TemporaryDirectory() as place:
        for what, number, tenths in steps:
            folder = Path(place) / str(number)
            if what == "begins" and number not in jobs:
                folder.mkdir()
                nothing: dict[str, Any] = {"params": {}, "datasets": [], "artifacts": []}
                journal = Journal(folder)
                journal.write("start", name="", epochs=1, every=1, tags={}, **nothing)
                journal.close()
                jobs[number] = JobState(number, folder, {"seed": str(number)})
                open_.add(number)
                found.begin(jobs[number])
            elif what == "looked at":
                found.headline(Counter())
            elif number in open_:
                open_.remove(number)
                end(folder, what, tenths / 10)
        never = [JobState(100 + n, Path(place), status=LEFT) for n in range(left)]
        assert found.headline(Counter({LEFT: left})) == headline(
            [*(j.now() for j in jobs.values()), *never]
        )
