"""What an engine is: a precision, a number of threads, and a way to carry epochs out."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from gdexp.descent import Carrier
from gdexp.errors import SettingError, one_of, whole
from gdexp.problems import Network

MOST_THREADS = 1024


class Prepared(Carrier, Protocol):
    """A carrier that is ready for one problem, and says which engine it is of, and how it goes."""

    name: str
    how: str


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

    def choose(self, problem: Network, m: int, epochs: int) -> "Choice":
        """Say which engine is to carry out so many epochs of mini-batches of m, and why."""
        return Choice(self, "asked for")

    @abstractmethod
    def prepare(self, problem: Network) -> Prepared:
        """Make ready to carry out epochs.

        Raises
        ------
        GdexpError
            Where the engine cannot carry the problem out, or is not installed.
        """


@dataclass(frozen=True)
class Choice:
    """An engine, and why it was taken."""

    engine: Engine
    why: str
