"""What an engine is: a precision, a number of threads, and a way to carry epochs out."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from gdexp.descent import Carrier, Constant, Problem, Schedule, Update
from gdexp.errors import GdexpError, SettingError, one_of, whole
from gdexp.problems import Network
from gdexp.problems.targets import OneHot

MOST_THREADS = 1024


class Prepared(Carrier, Protocol):
    """A carrier that is ready for one problem, and says which engine it is of, and how it goes."""

    name: str
    how: str


@dataclass(frozen=True)
class Work:
    """What is to be carried out.

    Parameters
    ----------
    m : int
        Examples that an update sees.
    epochs : int, optional
        How many; None where only a stop ends the descent.
    update, schedule : optional
        What an update does, and with which learning rates.
    stream : bool
        Whether examples arrive one after another, instead of being held.
    updates : bool
        Whether the cost of each update is asked for.
    """

    m: int
    epochs: int | None
    update: Update = field(default_factory=Update)
    schedule: Schedule = field(default_factory=Constant)
    stream: bool = False
    updates: bool = False


@dataclass(frozen=True)
class Engine(ABC):
    """How epochs are carried out.

    Parameters
    ----------
    precision : {"float64", "float32"}
        Of the parameters, the inputs and all that is computed.
    threads : int
        BLAS threads. At these sizes one is fastest, and a fixed number keeps results the same
        whatever the number of cores.
    """

    precision: str
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("precision", self.precision, ("float64", "float32"))
        if whole("threads", self.threads, 1, "1") > MOST_THREADS:
            raise SettingError("threads", f"at most {MOST_THREADS}", self.threads, "1")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision as NumPy's type."""
        return np.dtype(self.precision)

    def limits(self) -> AbstractContextManager[Any]:
        """Give the context to compute in: it fixes the threads, and with them the bits."""
        limits: AbstractContextManager[Any] = threadpool_limits(self.threads)
        return limits

    def choose(self, problem: Problem, work: Work) -> "Choice":
        """Say which engine is to do the work, and why.

        Raises
        ------
        GdexpError
            Where it is asked for what it does not do.
        """
        if why := self.refusal(problem, work):
            name = type(self).__name__.lower()
            raise GdexpError(
                f"engine={name} {why}. Write engine=auto, or engine=reference, which does all."
            )
        return Choice(self, "asked for")

    def refusal(self, problem: Problem, work: Work) -> str:
        """Say what of the work the engine does not do; empty where it does all."""
        return ""

    @abstractmethod
    def prepare(self, problem: Any) -> Prepared:
        """Make ready to carry out epochs.

        Raises
        ------
        GdexpError
            Where the engine cannot carry the problem out, or is not installed.
        """


def only_classes(problem: Problem, work: Work) -> str:
    """Say what there is beside networks with an output for each class on held examples."""
    if work.stream:
        return "carries out no streams: its epochs are of examples that are held"
    if work.updates:
        return "does not tell the cost of each update, which journal.updates asks for"
    if not isinstance(problem, Network):
        return "carries out networks only"
    if not isinstance(problem.targets, OneHot):
        return "carries out networks with an output for each class only"
    return ""


def only_bare(problem: Problem, work: Work) -> str:
    """Say what there is beside plain steps of a network with an output for each class."""
    if why := only_classes(problem, work):
        return why
    if not work.update.bare:
        return "carries out rule=plain only, without a penalty and without clipping"
    return ""


@dataclass(frozen=True)
class Choice:
    """An engine, and why it was taken."""

    engine: Engine
    why: str
