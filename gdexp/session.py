"""What the jobs of one command share: the feeders, the variants, the results so far."""

import math
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from gdexp.complain import clear_away
from gdexp.request import Request
from gdexp.result import Result
from gdexp.terminal import print_sweep
from gdexp.tracking import Feeder, Reader, Tracking


class Session:
    """The jobs of a command, from the first to the last."""

    def __init__(self) -> None:
        self.feeders: dict[Tracking, Feeder] = {}
        self.done: list[tuple[Request, Result]] = []
        self.refused = 0
        self.sweep: Path | None = None
        self._variants: dict[str, int] = {}

    def feeder(self, tracking: Tracking, outputs: Path) -> Feeder:
        """Give the feeder of a store, started where none is.

        Raises
        ------
        GdexpError
            Where the store cannot be used.
        """
        known = self.feeders.get(tracking)
        if known is None or not known.alive:
            if known is not None:
                known.leave()
            tracking.check()
            self.feeders[tracking] = Feeder(tracking, outputs)
        return self.feeders[tracking]

    def variant(self, group_key: str) -> int:
        """Give a variant's number, in the order of their coming."""
        return self._variants.setdefault(group_key, len(self._variants))

    def add(self, request: Request, result: Result, sweep: Path | None) -> float:
        """Keep a result; gives what sweepers maximise."""
        self.sweep = sweep
        self.done.append((request, result))
        return result.merit

    def refuse(self, sweep: Path | None) -> float:
        """Count a job that could not be."""
        self.sweep = sweep
        self.refused += 1
        return math.nan

    def close(self) -> bool:
        """Tell of a sweep, and bring all into MLflow; False where that, or a job, failed."""
        if self.sweep is not None and self.done:
            print_sweep(self.done, self.refused, self.sweep)
        elif self.sweep is not None:
            (self.sweep / "multirun.yaml").unlink(missing_ok=True)
            clear_away(self.sweep, self.sweep.parents[2])
        complete = [_close(feeder) for feeder in self.feeders.values()]
        return all(complete) and not self.refused


def _close(feeder: Feeder) -> bool:
    """Finish a feeder; without runs there is nothing to wait for."""
    console = Console(stderr=True)
    waiting = console.status("bringing the results into MLflow (Ctrl-C leaves that to the feeder)")
    try:
        with waiting if console.is_terminal and feeder.runs else nullcontext():
            complete = feeder.finish() if feeder.runs else feeder.leave()
    except KeyboardInterrupt:
        print("MLflow is not waited for; the feeder goes on by itself", file=sys.stderr)
        return False
    if not complete:
        reasons = {fed.error for fed in feeder.runs.values() if fed.error}
        kept = "complete" if _ended(feeder.runs) else "as complete as the disk allowed"
        for reason in reasons or [feeder.error]:
            print(f"not tracked: {reason}; the journals are {kept}", file=sys.stderr)
    elif len(feeder.runs) == 1:
        (fed,) = feeder.runs.values()
        print(f"tracked  as run {fed.run_id} in {feeder.tracking.shown}", flush=True)
    elif feeder.runs:
        print(f"tracked  as {len(feeder.runs)} runs in {feeder.tracking.shown}", flush=True)
    return complete


def _ended(folders: Iterable[Path]) -> bool:
    return all([*Reader(folder).new()][-1:][0]["kind"] == "end" for folder in folders)
