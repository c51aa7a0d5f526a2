"""What the jobs of one command share: the feeders, the variants, the results so far."""

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.sweeps import Job, Plan, SweepRecord
from gdexp.sweeps.record import STOP
from gdexp.sweeps.reporting import write_report
from gdexp.terminal import near, print_sweep, program
from gdexp.tracking import Feeder, Tracking, jobs
from gdexp.tracking.mend import Closing, close
from gdexp.tracking.settings import AwayError
from gdexp.training import ending

ANSWER = 1.0  # seconds that a server has to say that it is there: the run waits for that
SHORT = 1.2  # seconds that a command which is to end at once waits for MLflow


class Session:
    """The jobs of a command, from the first to the last."""

    def __init__(self) -> None:
        self.feeders: dict[Tracking, Feeder] = {}
        self.refused = False
        self.sweep: Path | None = None  # of a sweeper that plans nothing
        self.record: SweepRecord | None = None
        self.patience: float | None = None  # seconds for MLflow; None: as many as it takes
        self.unwritten: dict[Path, tuple[str, str, str]] = {}  # ends that no journal could take
        self._tracking: Tracking | None = None

    def feeder(self, tracking: Tracking, outputs: Path) -> Feeder:
        """Give the feeder of a store, started where none is.

        Raises
        ------
        GdexpError
            Where the store cannot be used; a server that is merely away is told of.
        """
        known = self.feeders.get(tracking)
        if known is None or not known.alive:
            if known is not None:
                known.leave()
            try:
                tracking.check(ANSWER)
            except AwayError as away:
                print(f"{away.shown}; the run goes on without it", file=sys.stderr, flush=True)
            self.feeders[tracking] = Feeder(tracking, outputs)
        self._tracking = tracking
        return self.feeders[tracking]

    def feeding(self, request: Request, outputs: Path) -> Callable[[Path], None]:
        """Give what has a run's journal followed: of a planned sweep, all are followed anyway."""
        if self.record is not None:
            return lambda folder: None
        if request.sweep is not None:
            self.sweep = request.output.parent
        return self.feeder(request.experiment.tracking, outputs).feed

    def expect(self, job: Job) -> None:
        """Have the feeder of a sweep import what it needs while the sweep is planned."""
        self.feeder(job.tracking, Path(job.outputs).absolute())

    def begin(self, plan: Plan) -> SweepRecord:
        """Begin to record a sweep, and to bring it and its jobs into MLflow.

        Raises
        ------
        GdexpError
            Where the store cannot be used.
        OSError
            Where the sweep's folder cannot be written.
        """
        feeder = self.feeder(plan.tracking, Path(plan.outputs).absolute())
        self.record = SweepRecord(plan)
        feeder.feed(plan.folder, sweep=True, again=plan.earlier is not None)
        return self.record

    def close(self, error: BaseException | None = None, why: str = "") -> bool:
        """Tell of a sweep, and bring all into MLflow; False where a job failed.

        What is not tracked yet is told, and no failure: the journal has it, for later.

        Parameters
        ----------
        error : BaseException, optional
            What breaks the command off.
        why : str
            What broke it off, where that is told already.
        """
        if self.record is not None:
            broken = ("FAILED", "failed", why) if why else None
            self._tell(self.record.end(broken if error is None else ending(error)), error)
        elif self.sweep is not None:
            self._tell(jobs.states(self.sweep))
        closed = [_close(feeder, self.patience) for feeder in self.feeders.values()]
        for feeder in self.feeders.values():
            _tell_ends(feeder, self.unwritten)
        complete = not self.refused
        if self.record is not None and self.record.plan.study is not None and error is None:
            complete &= self._report(self.record.plan, tracked=all(closed))
        return complete

    def _report(self, plan: Plan, *, tracked: bool) -> bool:
        """Write the report of a study; False where there should be one, and is none."""
        if not tracked:
            later = shlex.join(["report", "--where", f"sweep_id={plan.id}"])
            print(f"report   none yet; once all is tracked: {program()} {later}", flush=True)
            return True
        assert self._tracking is not None
        fed = self.feeders[self._tracking].runs.get(plan.folder)
        try:
            page = write_report(plan, self._tracking, (fed and fed.run_id) or "")
        except GdexpError as mishap:
            print(f"report   none: {mishap}", flush=True)
            return self._tracking.uri is None
        print(f"report   {page}", flush=True)
        return True

    def _tell(self, states: list[jobs.JobState], error: BaseException | None = None) -> None:
        folder = self.sweep if self.record is None else self.record.plan.folder
        assert folder is not None
        (folder / STOP).unlink(missing_ok=True)
        self.refused |= any(job.status not in jobs.FINE for job in states)
        if self._tracking is not None:
            print_sweep(states, folder, self._tracking)
            if self.record is not None and self.record.told:
                print(*self.record.told, sep="\n", flush=True)
        if self.record is not None:
            told, rest = _rest(self.record, states)
            print(told, end="", flush=True)
            if rest and error is not None:
                error.add_note(rest)  # is told last
            elif rest:
                print(rest, flush=True)


def _rest(record: SweepRecord, states: list[jobs.JobState]) -> tuple[str, str]:
    """Say what this command did, where others did the rest; and how to go on with what is left."""
    plan, found = record.plan, {job.status for job in states}
    told = f"resumed  {plan.carried_out(states)}\n" if plan.earlier else ""
    command = " ".join([program(), *plan.resuming])
    if found.intersection(jobs.INTERRUPTED):
        return told, f"go on    {command}"
    again = "FAILED" in found and plan.retries
    return told, f"again    {command} --retry-failed" if again else ""


def _close(feeder: Feeder, patience: float | None) -> bool:
    """Finish a feeder; without runs there is nothing to wait for."""
    console = Console(stderr=True)
    waiting = console.status("bringing the results into MLflow (Ctrl-C leaves that to the feeder)")
    try:
        with waiting if console.is_terminal and feeder.runs else nullcontext():
            complete = feeder.finish(patience) if feeder.runs else feeder.dismiss()
    except KeyboardInterrupt:
        print("MLflow is not waited for; the feeder goes on by itself", file=sys.stderr)
        return False
    if not complete and patience == SHORT and feeder.late:
        print("MLflow is not waited for; the feeder goes on by itself", file=sys.stderr)
    elif not complete:
        _tell_missing(feeder)
    elif any(fed.left for fed in feeder.runs.values()):
        _tell_left(feeder)
    elif feeder.sweep is not None:
        sweep, whole = feeder.runs[feeder.sweep], jobs.states(feeder.sweep)
        of = f"{sum(bool(job.run_id) for job in whole):,} runs"  # of all commands
        print(f"tracked  as sweep {sweep.run_id} of {of} in {feeder.tracking.shown}", flush=True)
    elif len(feeder.runs) == 1:
        (fed,) = feeder.runs.values()
        print(f"tracked  as run {fed.run_id} in {feeder.tracking.shown}", flush=True)
    elif feeder.runs:
        print(f"tracked  as {len(feeder.runs)} runs in {feeder.tracking.shown}", flush=True)
    return complete


def _tell_ends(feeder: Feeder, unwritten: Mapping[Path, tuple[str, str, str]]) -> None:
    """Tell the store how runs have ended whose journals could not be told: the disk was full."""
    closings = [
        Closing(
            fed.run_id,
            status,
            round(time.time() * 1000),
            {
                "gdexp.outcome": outcome,
                "gdexp.reason": reason,
                "mlflow.note.content": f"{outcome}: {reason}",
            },
        )
        for folder, (status, outcome, reason) in unwritten.items()
        if (fed := feeder.runs.get(folder)) is not None and fed.run_id is not None
    ]
    if feeder.away:
        refused = {each.run_id: feeder.away for each in closings}
    else:
        refused = close(feeder.tracking, closings) if closings else {}
    for run, why in refused.items():
        told = f"run {run[:8]}: how it ended could not be told to MLflow ({why})"
        print(f"{told}; {program()} doctor --fix does that later", file=sys.stderr)


def _tell_missing(feeder: Feeder) -> None:
    """Tell what is not tracked, why, and what brings it in later."""
    missing = [folder for folder, fed in feeder.runs.items() if fed.error or not fed.done]
    reasons = dict.fromkeys(fed.error for fed in feeder.runs.values() if fed.error)
    if feeder.error is not None and any(not feeder.runs[each].error for each in missing):
        reasons |= {feeder.error: None}
    kept = "complete" if _ended(feeder.runs) else "as complete as the disk allowed"
    for reason in reasons:
        print(f"not tracked yet: {reason}; the journals are {kept}", file=sys.stderr)
    place = feeder.sweep or (missing[0] if len(missing) == 1 else feeder.log.parent)
    print(f"later    {program()} sync {near(place)}", file=sys.stderr, flush=True)


def _tell_left(feeder: Feeder) -> None:
    """Tell what the store was left without, since somebody wants it so."""
    for folder, fed in feeder.runs.items():
        if fed.left:
            print(f"left     {near(folder)}: {fed.left}", flush=True)


def _ended(folders: Iterable[Path]) -> bool:
    return all(jobs.ends(folder)[1] for folder in folders)
