"""One run: prepare, descend, and write down what happens, however it ends."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from gdexp import signals
from gdexp.data.streams import Arrivals
from gdexp.descent import Arriving, Epoch, State, descent, stream
from gdexp.diagnostics import Inspection
from gdexp.engines import Prepared, Work
from gdexp.errors import GdexpError, Terminated
from gdexp.experiment import Experiment, RunProblem
from gdexp.problems import Network
from gdexp.record import Record
from gdexp.request import Request
from gdexp.result import Result

Watch = Callable[[Epoch], None]


def train(request: Request, announce: Callable[[Record], Watch]) -> Result:
    """Carry out a run.

    Parameters
    ----------
    request : Request
        What to run, and the folder to write to.
    announce : callable
        Called once the run has begun to be recorded, with its record; gives the function that is
        shown every epoch.

    Returns
    -------
    Result

    Raises
    ------
    GdexpError
        Before anything is recorded, where the data are missing or do not fit the settings.
    BaseException
        Whatever broke the run off, after it is written down.
    """
    began = time.perf_counter()
    experiment = request.experiment
    arrivals = experiment.open()
    problem = experiment.build(dataset=None if arrivals is None else arrivals.dataset)
    m = experiment.optimizer.batch_size(problem.n)
    experiment.stop.check(m, _parts(problem))
    state = _begin(problem, experiment.seed)
    inspection = experiment.inspection(problem, request.output)
    streams = arrivals is not None
    work = Work(m, experiment.epochs, experiment.update, experiment.schedule, streams)
    choice = experiment.engine.choose(problem, work)
    carrier = choice.engine.prepare(problem)
    if choice.engine is not experiment.engine:
        request = request.with_engine(choice.engine)
    record = Record(request, problem, m, carrier, choice)
    try:
        watch = announce(record)
        with experiment.engine.limits():
            epochs = _epochs(experiment, problem, carrier, state, arrivals)
            _descend(epochs, problem, state, record, watch, inspection)
            lost = _lost_classes(problem, state, record.epochs[-1])
        seconds, largest = time.perf_counter() - began, _largest_eta(problem, experiment, m)
        missed = [] if record.epochs[-1].ended else list(filter(None, [experiment.stop.missed]))
        result = Result(record.epochs, lost, seconds, largest, [*missed, *inspection.notes])
        record.finish(result, state.v)
    except BaseException as error:
        with signals.kept():
            record.break_off(*_told(error))
        raise
    return result


def _descend(
    epochs: Iterator[Epoch],
    problem: RunProblem,
    state: State,
    record: Record,
    watch: Watch,
    inspection: Inspection,
) -> None:
    for epoch in epochs:
        record.epoch(epoch, problem.figures(state.v))
        watch(epoch)
        record.look(epoch, inspection.after(epoch, state.v))
    last = record.epochs[-1]
    record.look(last, inspection.after(last, state.v, last=True), last=True)


def _epochs(
    experiment: Experiment,
    problem: RunProblem,
    carrier: Prepared,
    state: State,
    arrivals: Arrivals | None,
) -> Iterator[Epoch]:
    if arrivals is not None:
        return _reports(experiment, problem, state, arrivals)
    optimizer = experiment.optimizer
    assert not isinstance(optimizer, Arriving)  # which has arrivals
    return descent(
        problem,
        optimizer,
        experiment.scaling,
        state,
        eta=float(experiment.eta),
        epochs=experiment.epochs,
        rule=experiment.rule,
        schedule=experiment.schedule,
        stop=experiment.stop,
        penalty=experiment.penalty,
        clip=experiment.clip,
        carrier=carrier,
        evaluation=experiment.eval,
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


def _parts(problem: RunProblem) -> dict[str, bool]:
    """Name the sets of examples that are there, and say whether each has an accuracy."""
    if problem.dataset is None:
        return {"train": False}
    classes, parts = problem.dataset.classes, problem.dataset.parts
    return {name: classes > 0 for name, examples in parts.items() if len(examples)}


def _begin(problem: RunProblem, seed: int) -> State:
    try:
        return State.begin(problem, seed)
    except (MemoryError, ValueError):
        told = f"architecture: {problem.size:,} parameters do not fit into memory. Use fewer units."
        raise GdexpError(told) from None


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


def _told(error: BaseException) -> tuple[str, str, str]:
    if isinstance(error, KeyboardInterrupt):
        return "KILLED", "killed", "interrupted (Ctrl-C)"
    if isinstance(error, Terminated):
        name = signal.Signals(int(str(error.code)) - 128).name
        return "KILLED", "killed", f"terminated ({name})"
    told = " ".join(str(error).split())
    return "FAILED", "failed", f"{type(error).__name__}: {told}"
