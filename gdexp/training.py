"""One run: prepare, descend, and write down what happens, however it ends."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from gdexp import signals
from gdexp.data.streams import Arrivals
from gdexp.descent import Arriving, Carrier, Costing, Epoch, Past, State, descent, stream
from gdexp.diagnostics import Inspection
from gdexp.engines import Prepared
from gdexp.errors import GdexpError, Terminated
from gdexp.experiment import Experiment, RunProblem
from gdexp.fitting import begin, fitting, work
from gdexp.interrupted import Interrupted
from gdexp.keeper import Keeper
from gdexp.problems import Network
from gdexp.record import Record
from gdexp.request import Request
from gdexp.result import Result
from gdexp.tracking import Checkpointing

Watch = Callable[[Epoch], None]


class Pruned(Exception):  # noqa: N818 - it is no error
    """Raised by who watches a run, to end it as hopeless: it says why."""


def train(
    request: Request, announce: Callable[[Record], Watch], left: Interrupted | None = None
) -> Result:
    """Carry out a run, or the rest of one that was interrupted.

    Parameters
    ----------
    request : Request
        What to run, and the folder to write to.
    announce : callable
        Called once the run has begun to be recorded, with its record; gives the function that is
        shown every epoch.
    left : Interrupted, optional
        What an interrupted run left, where it is to go on.

    Returns
    -------
    Result

    Raises
    ------
    GdexpError
        Before anything is recorded, where the data are missing or do not fit the settings; or where
        the rest of a run would be that of another.
    BaseException
        Whatever broke the run off, after it is written down.
    """
    began = time.perf_counter() - (left.elapsed if left else 0.0)
    experiment = request.experiment
    arrivals = experiment.open()
    problem, m = fitting(experiment, arrivals)
    state = begin(problem, experiment.seed)
    inspection = experiment.inspection(problem, request.output)
    choice = experiment.engine.choose(problem, work(experiment, m, arrivals))
    carrier = choice.engine.prepare(problem)
    if choice.engine is not experiment.engine:
        request = request.with_engine(choice.engine)
    if left is not None:
        left.recall(state, inspection)
    how = experiment.checkpoint if arrivals is None else Checkpointing(None)  # whose past is gone
    with ExitStack() as waiting:
        waiting.enter_context(signals.kept())  # until an end is written down: there is a start now
        record = Record(request, problem, m, carrier, choice, left)
        keeper = Keeper(how, request.output, state, inspection, record.journal, began)
        run = _Run(experiment, problem, carrier, state, inspection, record, keeper, arrivals)
        return run.carry_out(announce, left, began, waiting.close)


@dataclass(frozen=True)
class _Run:
    """A run on its way."""

    experiment: Experiment
    problem: RunProblem
    carrier: Prepared
    state: State
    inspection: Inspection
    record: Record
    keeper: Keeper
    arrivals: Arrivals | None

    def carry_out(
        self,
        announce: Callable[[Record], Watch],
        left: Interrupted | None,
        began: float,
        begin: Callable[[], None],
    ) -> Result:
        """Descend, and write the end down, whatever it is; `begin` may end it already."""
        try:
            begin()
            watch = announce(self.record)
            with self.experiment.engine.limits():
                self.descend(watch, left.past() if left else None)
                lost = _lost_classes(self.problem, self.state, self.record.epochs[-1])
            result = self.result(lost, time.perf_counter() - began)
            self.record.finish(result, self.state.v)
            self.keeper.finished()
        except BaseException as error:
            with signals.kept():
                if not self.record.ended:
                    self.keeper.broken_off()
                    self.record.break_off(*ending(error))
            raise
        return result

    @property
    def _carrier(self) -> Carrier:
        """Give what carries epochs out; where that is asked, it has each update written down."""
        if not self.experiment.journal.updates:
            return self.carrier
        return Costing(self.record.updates, self.carrier.name, self.carrier.how)

    def descend(self, watch: Watch, past: Past | None) -> None:
        """Go through the epochs that are left, and write down what happens."""
        for epoch in self._epochs(past):
            self.record.epoch(epoch, self.problem.figures(self.state.v))
            watch(epoch)
            self._look(epoch)
            self.keeper.passed()
        self._look(self.record.epochs[-1], last=True)

    def result(self, lost: Sequence[int], seconds: float) -> Result:
        """Give what came of it."""
        epochs, stop = self.record.epochs, self.experiment.stop
        largest = _largest_eta(self.problem, self.experiment, self.record.m)
        missed = [stop.missed] if stop.missed and not epochs[-1].ended else []
        return Result(epochs, lost, seconds, largest, [*missed, *self.inspection.notes])

    def _look(self, epoch: Epoch, *, last: bool = False) -> None:
        """Let diagnostics look, where they have not before the run was interrupted."""
        told, v = self.record.looked(epoch, last=last), self.state.v
        if told is not None:
            self.inspection.pass_by(epoch, v, told, last=last)
            return
        found = self.inspection.after(epoch, v, last=last)
        self.record.look(epoch, found, self.inspection.told, last=last)

    def _epochs(self, past: Past | None) -> Iterator[Epoch]:
        if self.arrivals is not None:
            return _reports(self.experiment, self.problem, self.state, self.arrivals)
        experiment, optimizer = self.experiment, self.experiment.optimizer
        assert not isinstance(optimizer, Arriving)  # which has arrivals
        return descent(
            self.problem,
            optimizer,
            experiment.scaling,
            self.state,
            eta=float(experiment.eta),
            epochs=experiment.epochs,
            rule=experiment.rule,
            schedule=experiment.schedule,
            stop=experiment.stop,
            penalty=experiment.penalty,
            clip=experiment.clip,
            carrier=self._carrier,
            evaluation=experiment.eval,
            past=past,
            between=self.keeper.passed,
        )


def _reports(
    experiment: Experiment, problem: RunProblem, state: State, arrivals: Arrivals
) -> Iterator[Epoch]:
    settings, m = experiment.stream, experiment.optimizer.batch_size(0)
    assert settings is not None
    assert isinstance(problem, Network)
    for epoch in stream(
        problem,
        arrivals.batches(m, experiment.most, settings.seconds),
        experiment.update,
        state,
        settings,
        eta=float(experiment.eta),
        schedule=experiment.schedule,
    ):
        lines = {"stream/skipped_lines": float(arrivals.skipped())}
        yield replace(epoch, extra={**epoch.extra, **lines})


def _lost_classes(problem: RunProblem, state: State, last: Epoch) -> list[int]:
    """Look for lost classes where there was training, and it came to something."""
    if not isinstance(problem, Network) or last.number == 0 or last.diverged:
        return []
    return problem.lost_classes(state.v)


def _largest_eta(problem: RunProblem, experiment: Experiment, m: int) -> float | None:
    """Give 2/λ_max, in the convention of ``scaling.update``.

    Where the curvature is known, and nothing is done but plain steps of one length along the
    whole gradient.
    """
    if m != problem.n or not experiment.update.bare or not experiment.schedule.constant:
        return None
    curvature = problem.curvature()
    if curvature is None:
        return None
    return 2 / (curvature * experiment.scaling.of_update(1.0, m))


def ending(error: BaseException) -> tuple[str, str, str]:
    """Give status, outcome and reason of what an error broke off."""
    if isinstance(error, Pruned):
        return "KILLED", "pruned", str(error)
    if isinstance(error, KeyboardInterrupt):
        return "KILLED", "killed", "interrupted (Ctrl-C)"
    if isinstance(error, Terminated):
        name = signal.Signals(int(str(error.code)) - 128).name
        return "KILLED", "killed", f"terminated ({name})"
    told = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f" {error.filename}" if error.filename else ""
        return "FAILED", "failed", f"cannot write{where} ({error.strerror})"
    kind = "" if isinstance(error, GdexpError) else f"{type(error).__name__}: "
    return "FAILED", "failed", f"{kind}{told}"
