"""A run from Python: asked for, checked, recorded and tracked as the command line does."""

import atexit
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from csv import DictReader
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from gdexp import compose
from gdexp.app import MISTAKES, checked
from gdexp.complain import clear_away, complaint
from gdexp.errors import GdexpError
from gdexp.record import Record
from gdexp.request import Request
from gdexp.result import Result
from gdexp.session import Session
from gdexp.terminal import Progress, near, program
from gdexp.tracking import parameters
from gdexp.training import Watch, train

if TYPE_CHECKING:
    import pandas

_session = Session()  # its feeders stay, since each takes seconds to start
atexit.register(lambda: [feeder.leave() for feeder in _session.feeders.values()])


@dataclass(frozen=True, repr=False)
class Run:
    """A run that was carried out.

    Parameters
    ----------
    id : str or None
        Under which MLflow has it; None where it is not tracked.
    name : str
        Such as ``sgd m=10 eta=3 s=0``.
    outcome : str
        ok, diverged or lost_class.
    headline : str
        What came of it, in a line.
    figures : mapping of str to float
        What is logged once, such as ``best/val_accuracy``; see docs/tracking.md.
    config : mapping
        The composed configuration, resolved.
    folder : Path
        Where all of it is written.

    Attributes
    ----------
    epochs : DataFrame
        One row an epoch: epoch, and each of its curves, such as ``val/accuracy``.
    parameters : dict of str to ndarray
        What was learned: of a network ``w1``, shape (units, n_in), ``b1``, (units,), and so on.
    """

    id: str | None
    name: str
    outcome: str
    headline: str
    figures: Mapping[str, float]
    config: Mapping[str, Any] = field(hash=False)
    folder: Path

    @cached_property
    def epochs(self) -> "pandas.DataFrame":
        """One row an epoch."""
        import pandas

        with (self.folder / "history.csv").open(newline="") as file:  # float reads every bit
            rows = [
                {name: float(each or "nan") for name, each in row.items()}
                for row in DictReader(file)
            ]
        return pandas.DataFrame(rows).astype({"epoch": int})

    @cached_property
    def parameters(self) -> dict[str, NDArray[Any]]:
        """What was learned."""
        arrays = parameters.read(self.folder / "model.npz")
        return {name: each for name, each in arrays.items() if each.dtype.kind == "f"}

    def __repr__(self) -> str:
        tracked = "not tracked" if self.id is None else f"run {self.id[:8]}"
        return f"{self.name}: {self.headline}\n{tracked}, in {self.folder}"


def run(overrides: Sequence[str] = (), *, progress: bool = True) -> Run:
    """Carry out a run in this process.

    Parameters
    ----------
    overrides : sequence of str
        What would be written on the command line, such as ``["optimizer=sgd", "batch=10"]``. As
        there, ``tracking=off`` leaves MLflow out.
    progress : bool
        Whether epochs are shown on standard error as they come.

    Returns
    -------
    Run
        Once MLflow has all of it. The first call of a process waits seconds for that, while
        MLflow is imported beside it; the following ones do not.

    Raises
    ------
    GdexpError
        In one line, at the first setting that is not allowed, where the data are missing, or
        where a store or the outputs folder cannot be written.

    Warns
    -----
    UserWarning
        Where the run could not be tracked; it is complete all the same, in its folder.

    Examples
    --------
    >>> import gdexp
    >>> sgd = gdexp.run(["optimizer=sgd", "batch=10", "epochs=5"])
    >>> sgd.epochs["val/accuracy"].max()
    """
    if isinstance(overrides, str):
        raise GdexpError(f"overrides must be a list. Got {overrides!r}. Write [{overrides!r}].")
    with _in_one_line(overrides):
        words = _settings(overrides)
        request = compose.composed(words)
        outputs = Path(str(request.config["outputs"])).absolute()
        try:
            return _carried_out(request, outputs, progress)
        finally:
            clear_away(request.output, outputs)  # where it never began


def _settings(overrides: Sequence[str]) -> list[str]:
    for word in overrides:
        if not isinstance(word, str) or word.startswith("-"):
            raise GdexpError(
                f"overrides must be settings of one run, such as 'batch=10'. Got {word!r}."
            )
    return checked(overrides)


@contextmanager
def _in_one_line(words: Sequence[str]) -> Iterator[None]:
    """Have mistakes told as a command tells them."""
    try:
        yield
    except GdexpError:
        raise
    except (*MISTAKES, ValueError) as error:
        if isinstance(error, ValueError) and "Config group override" not in str(error):
            raise  # Hydra has no type for this mistake
        line, several, _ = complaint(error, words).partition(" Write python -m gdexp -m ")
        raise GdexpError(f"{line} Call run for each." if several else line) from None


def _carried_out(request: Request, outputs: Path, progress: bool) -> Run:
    experiment = request.experiment
    feeder = _session.feeder(experiment.tracking, outputs)
    unit = "epoch" if experiment.stream is None else "report"
    shown = Progress(experiment.reports, "", unit)
    records: list[Record] = []

    def announce(record: Record) -> Watch:
        records.append(record)
        feeder.feed(request.output)
        if not progress:
            return lambda epoch: None
        shown.start()
        return shown.show

    request.output.mkdir(parents=True)
    try:
        result = train(request, announce)
    finally:
        shown.stop()
    fed = feeder.wait(request.output)
    if fed.error:
        warnings.warn(_missing(fed.error, request.output), stacklevel=4)
    return _told(records[0], result, fed.run_id)


def _missing(why: str, folder: Path) -> str:
    return (
        f"not tracked yet: {why}; the journal is complete. Later: {program()} sync {near(folder)}"
    )


def _told(record: Record, result: Result, run_id: str | None) -> Run:
    return Run(
        id=run_id,
        name=record.name,
        outcome=result.outcome,
        headline=result.headline,
        figures=result.figures,
        config=record.request.config,
        folder=record.request.output,
    )
