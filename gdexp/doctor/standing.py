"""How the runs of a store stand: which are what they say, and which have nobody behind them."""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdexp.doctor.check import Check, Place
from gdexp.doctor.kept import Kept
from gdexp.result import plural
from gdexp.stored import StoredRun
from gdexp.tracking.hold import FEEDING, in_hand

WELL, GONE, ENDED, OTHER, ELSEWHERE = "well", "gone", "ended", "other", "elsewhere"
SHOWN = 10  # problems that are told one by one
FIX = "python -m gdexp doctor --fix"
TOLD = {
    GONE: "its process is gone",
    ENDED: "has ended, and the store was not told",
    OTHER: "has another status in the store",
}


@dataclass(frozen=True)
class Standing:
    """How a run stands.

    Parameters
    ----------
    run : StoredRun
    kept : Kept, optional
        Its folder, where it is among the outputs.
    state : str
        WELL, where nothing is to be done about it; GONE: it is RUNNING, and nobody works at it;
        ENDED: it is RUNNING, and its journal has an end; OTHER: its journal has another end;
        ELSEWHERE: it is RUNNING on another machine, as far as anybody here can say.
    """

    run: StoredRun
    kept: Kept | None
    state: str

    @property
    def named(self) -> str:
        """The run, and what is the matter with it."""
        why = TOLD.get(self.state) or f"is running on {self.run.tag('host')}, it says"
        if self.state in (ENDED, OTHER) and self.kept is not None:
            why = f"{self.run.status} in the store, {self.kept.end['status']} by its journal"
        return f"{self.run.id[:8]} {self.run.name}: {why}"


def standings(place: Place, runs: Iterable[StoredRun]) -> list[Standing]:
    """Say of each run of ours how it stands."""
    by_id = {each.run_id: each for each in place.folders if each.run_id}
    by_journal = {each.journal: each for each in place.folders if each.journal}
    ours = [run for run in runs if run.tag("kind")]
    found = [(run, by_id.get(run.id) or by_journal.get(run.tag("journal") or "")) for run in ours]
    return [Standing(run, folder, _state(place, run, folder)) for run, folder in found]


def _state(place: Place, run: StoredRun, kept: Kept | None) -> str:
    if run.status != "RUNNING" and (kept is None or kept.end.get("status") in (None, run.status)):
        return WELL
    if not place.vouched(run.tag("host")):
        return ELSEWHERE if run.status == "RUNNING" else WELL
    if _worked_at(run, kept):
        return WELL
    if kept is not None and kept.end:
        return ENDED if run.status == "RUNNING" else OTHER
    return GONE


def _worked_at(run: StoredRun, kept: Kept | None) -> bool:
    """Whether a process of this machine trains it, or brings it in."""
    if run.tag("host") != socket.gethostname():
        return False
    if kept is not None and kept.fed:
        return True
    if kept is not None and kept.locked:
        return kept.trained or in_hand(run.tags, [FEEDING])
    return in_hand(run.tags)


def check(found: Sequence[Standing]) -> Check:
    """Tell which runs are not what the store says."""
    wrong = [each for each in found if each.state in TOLD]
    afar = [each for each in found if each.state == ELSEWHERE]
    running = sum(each.run.status == "RUNNING" and each.state == WELL for each in found)
    told = f"{plural(len(found), 'run')}, {running} running now"
    if not wrong and not afar:
        return Check("runs", told)
    lines = [each.named for each in [*wrong, *afar]]
    advice = [f"{FIX} closes {'it' if len(wrong) == 1 else 'them'}"] if wrong else []
    if afar:
        host = afar[0].run.tag("host")
        advice.append(f"where nothing runs on {host} any more, add --host {host}")
    return Check(
        "runs", f"{told}; {len(lines)} not as the store says", shortened(lines), "; ".join(advice)
    )


def shortened(lines: Sequence[str]) -> list[str]:
    """Give the first lines, and how many more there are."""
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
