"""What the jobs of one command share: the feeders, the variants, the results so far."""

import math
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from gdexp.complain import clear_away
from gdexp.interrupted import Interrupted
from gdexp.record import Record
from gdexp.request import Request
from gdexp.result import Result
from gdexp.terminal import (
    Progress,
    near,
    print_places,
    print_summary,
    print_sweep,
    program,
)
from gdexp.tracking import Feeder, Reader, Tracking
from gdexp.tracking.feeder import LIMIT
from gdexp.training import Watch, train

SHORT = 1.2  # seconds that a command which is to end at once waits for MLflow


class Session:
    """The jobs of a command, from the first to the last."""

    def __init__(self) -> None:
        self.feeders: dict[Tracking, Feeder] = {}
        self.done: list[tuple[Request, Result]] = []
        self.refused = 0
        self.sweep: Path | None = None
        self.patience = LIMIT  # seconds for MLflow to have everything
        self._variants: dict[str, int] = {}

    def feeder(self, tracking: Tracking, outputs: Path) -> Feeder:
        """Give the feeder of a store, started where none is.

        Raises
        ------
        GdexpError
            Where the store cannot be used.
        """
        if tracking not in self.feeders:
            tracking.check()
            self.feeders[tracking] = Feeder(tracking, outputs)
        return self.feeders[tracking]

    def variant(self, group_key: str) -> int:
        """Give a variant's number, in the order of their coming."""
        return self._variants.setdefault(group_key, len(self._variants))

    def run(
        self, request: Request, outputs: Path, sweep: Path | None, left: Interrupted | None = None
    ) -> float:
        """Carry a run out, or the rest of one, and tell of it; gives what sweepers maximise.

        Parameters
        ----------
        request : Request
        outputs : Path
            The folder of all runs, with the feeder's log and the artifacts of a local store.
        sweep : Path, optional
            The folder of the sweep that the run is part of.
        left : Interrupted, optional
            What it left when it was interrupted, where it goes on.

        Raises
        ------
        BaseException
            As `train` does. One that ended the run in order has a note that says how to go on.
        """
        experiment = request.experiment
        feeder = self.feeder(experiment.tracking, outputs)
        label = "" if sweep is None else f"job {request.job}: "
        unit = "epoch" if experiment.stream is None else "report"
        progress = Progress(experiment.reports, label, unit)
        records: list[Record] = []

        def announce(record: Record) -> Watch:
            records.append(record)
            feeder.feed(request.output)
            progress.start()
            return progress.show

        try:
            result = train(request, announce, left)
        except (KeyboardInterrupt, SystemExit) as end:
            progress.stop()
            self.patience = SHORT
            if records:
                _tell_break(records[0])
                if experiment.stream is None:
                    end.add_note(f"go on    {program()} resume {near(request.output)}")
            raise
        finally:
            progress.stop()
        if sweep is None:
            print_summary(records[0], result)
        return self.add(request, result, sweep)

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
        complete = [_close(feeder, self.patience) for feeder in self.feeders.values()]
        return all(complete) and not self.refused


def _tell_break(record: Record) -> None:
    experiment = record.request.experiment
    number = record.epochs[-1].number if record.epochs else 0
    of = "" if experiment.reports is None else f" of {experiment.reports}"
    unit = "epoch" if experiment.stream is None else "report"
    print(f"\nstopped after {unit} {number}{of}", file=sys.stderr)
    if record.request.sweep is None:
        print_places(record)


def _close(feeder: Feeder, patience: float) -> bool:
    """Finish a feeder; without runs there is nothing to wait for."""
    console = Console(stderr=True)
    waiting = console.status("bringing the results into MLflow (Ctrl-C leaves that to the feeder)")
    try:
        with waiting if console.is_terminal and feeder.runs else nullcontext():
            complete = feeder.finish(patience) if feeder.runs else feeder.leave()
    except KeyboardInterrupt:
        print("MLflow is not waited for; the feeder goes on by itself", file=sys.stderr)
        return False
    if not complete and patience == SHORT and feeder.late:
        print("MLflow is not waited for; the feeder goes on by itself", file=sys.stderr)
    elif not complete:
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
