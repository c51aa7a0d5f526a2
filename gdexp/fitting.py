"""Whether settings and data fit each other, found out before a run begins."""

from pathlib import Path

from gdexp.data.streams import Arrivals
from gdexp.descent import State
from gdexp.engines import Work
from gdexp.errors import GdexpError
from gdexp.experiment import Experiment, RunProblem


def check(experiment: Experiment, folder: Path) -> None:
    """Find out what would keep a run from beginning, and begin nothing.

    A stream is not opened: it could not be read again.

    Raises
    ------
    GdexpError
        Where the data are missing or do not fit the settings.
    """
    if experiment.stream is None:
        problem, m = fitting(experiment, None)
        experiment.inspection(problem, folder)
        experiment.engine.choose(problem, work(experiment, m, None))


def fitting(experiment: Experiment, arrivals: Arrivals | None) -> tuple[RunProblem, int]:
    """Give the problem, and m; what does not fit the data is refused."""
    problem = experiment.build(dataset=None if arrivals is None else arrivals.dataset)
    m = experiment.optimizer.batch_size(problem.n)
    experiment.stop.check(m, _parts(problem))
    return problem, m


def work(experiment: Experiment, m: int, arrivals: Arrivals | None) -> Work:
    """Say what an engine will have to do."""
    asked = {"stream": arrivals is not None, "updates": experiment.journal.updates}
    return Work(m, experiment.epochs, experiment.update, experiment.schedule, **asked)


def begin(problem: RunProblem, seed: int) -> State:
    """Give the state that a descent starts from.

    Raises
    ------
    GdexpError
        Where it does not fit into memory.
    """
    try:
        return State.begin(problem, seed)
    except (MemoryError, ValueError):
        told = f"architecture: {problem.size:,} parameters do not fit into memory. Use fewer units."
        raise GdexpError(told) from None


def _parts(problem: RunProblem) -> dict[str, bool]:
    """Name the sets of examples that are there, and say whether each has an accuracy."""
    if problem.dataset is None:
        return {"train": False}
    classes, parts = problem.dataset.classes, problem.dataset.parts
    return {name: classes > 0 for name, examples in parts.items() if len(examples)}
