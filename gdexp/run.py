"""One run: prepare, descend, and write down what happens, however it ends."""

import signal
import time
from collections.abc import Callable

from gdexp import signals
from gdexp.descent import Epoch, State, descent
from gdexp.engines import Prepared
from gdexp.errors import GdexpError, Terminated
from gdexp.experiment import Experiment, Request, loaded
from gdexp.problems import Network
from gdexp.record import Record
from gdexp.result import Result

Watch = Callable[[Epoch], None]


def run(request: Request, announce: Callable[[Record], Watch]) -> Result:
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
    dataset = loaded(experiment.data)
    m = experiment.optimizer.batch_size(len(dataset.train))
    network = Network(experiment.architecture, experiment.cost, dataset, experiment.engine.dtype)
    try:
        state = State.begin(network, experiment.seed)
    except (MemoryError, ValueError):
        told = f"architecture: {network.size:,} parameters do not fit into memory. Use fewer units."
        raise GdexpError(told) from None
    choice = experiment.engine.choose(network, m, experiment.epochs)
    carrier = choice.engine.prepare(network)
    if choice.engine is not experiment.engine:
        request = request.with_engine(choice.engine)
    record = Record(request, network, m, carrier, choice)
    try:
        watch = announce(record)
        with experiment.engine.limits():
            _descend(experiment, network, carrier, state, record, watch)
            lost = _lost_classes(network, state, record.epochs[-1])
        result = Result(record.epochs, lost, time.perf_counter() - began)
        record.finish(result, state.v)
    except BaseException as error:
        with signals.kept():
            record.break_off(*_told(error))
        raise
    return result


def _descend(
    experiment: Experiment,
    network: Network,
    carrier: Prepared,
    state: State,
    record: Record,
    watch: Watch,
) -> None:
    for epoch in descent(
        network,
        experiment.optimizer,
        experiment.scaling,
        state,
        eta=float(experiment.eta),
        epochs=experiment.epochs,
        carrier=carrier,
        evaluation=experiment.eval,
    ):
        record.epoch(epoch)
        watch(epoch)


def _lost_classes(network: Network, state: State, last: Epoch) -> list[int]:
    """Look for lost classes where there was training, and it came to something."""
    return [] if last.number == 0 or last.diverged else network.lost_classes(state.v)


def _told(error: BaseException) -> tuple[str, str, str]:
    if isinstance(error, KeyboardInterrupt):
        return "KILLED", "killed", "interrupted (Ctrl-C)"
    if isinstance(error, Terminated):
        name = signal.Signals(int(str(error.code)) - 128).name
        return "KILLED", "killed", f"terminated ({name})"
    told = " ".join(str(error).split())
    return "FAILED", "failed", f"{type(error).__name__}: {told}"
