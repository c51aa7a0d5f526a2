"""The engine that people read, and that others are held against."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from gdexp.descent import TrainEpoch, train_epoch
from gdexp.errors import SettingError, one_of, whole

MOST_THREADS = 1024


class Engine(Protocol):
    """A way of carrying out an epoch, in a precision, on a number of BLAS threads."""

    @property
    def threads(self) -> int:
        """BLAS threads."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision that the problem is to be held in."""

    @property
    def train_epoch(self) -> TrainEpoch:
        """One epoch of updates."""

    def limits(self) -> AbstractContextManager[Any]:
        """Give the context to compute in: it fixes the threads, and with them the bits."""


@dataclass(frozen=True)
class Reference:
    """Plain vectorised NumPy, for any problem.

    Parameters
    ----------
    precision : {"float64", "float32"}
    threads : int
        BLAS threads. At these sizes one is fastest, and a fixed number keeps results the same
        whatever the number of cores.
    """

    precision: str = "float64"
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("precision", self.precision, ("float64", "float32"))
        if whole("threads", self.threads, 1, "1") > MOST_THREADS:
            raise SettingError("threads", f"at most {MOST_THREADS}", self.threads, "1")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision as NumPy's type."""
        return np.dtype(self.precision)

    @property
    def train_epoch(self) -> TrainEpoch:
        """Descent's own."""
        return train_epoch

    def limits(self) -> AbstractContextManager[Any]:
        """Limit the BLAS threads."""
        limits: AbstractContextManager[Any] = threadpool_limits(self.threads)
        return limits
