"""What a diagnostic is shown, and what it gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from gdexp.descent import Epoch, Problem, Vector
from gdexp.descent.problem import Batch
from gdexp.errors import whole


class Subject(Problem, Protocol):
    """A problem whose cost can be asked for on a batch."""

    def cost(self, v: Vector, batch: Batch) -> float:
        """Σ C_x over the batch."""


@dataclass(frozen=True, eq=False)
class Waypoint:
    """A point that the descent passed: after which epoch, after how many updates, and v, (p,)."""

    epoch: int
    updates: int
    v: Vector


@dataclass(frozen=True, eq=False)
class Sight:
    """What a diagnostic is shown of a descent, after an epoch.

    Parameters
    ----------
    problem : Subject
        What is minimised, in the precision of the run.
    exact : Subject
        The same in float64.
    epoch : Epoch
        What is known after it.
    v : ndarray, shape (p,)
        The point; a copy that cannot be written to.
    folder : Path
        The run's output folder.
    rng : numpy.random.Generator
        The diagnostic's own: it depends on the seed, the epoch and the diagnostic's name alone.
    previous : Waypoint, optional
        Where the descent was when the same diagnostic looked last.
    trail : sequence of Waypoint
        Where the descent has been, where the diagnostic asks for it; from the start to this epoch.
    """

    problem: Subject
    exact: Subject
    epoch: Epoch
    v: Vector
    folder: Path
    rng: np.random.Generator
    previous: Waypoint | None = None
    trail: Sequence[Waypoint] = ()


@dataclass(frozen=True)
class Finding:
    """What a look brought to light.

    Parameters
    ----------
    metrics : dict of str to float
        By the names that MLflow shows.
    files : list of str
        What was written, as paths below the run's output folder.
    notes : list of str
        Remarks of one line for the summary, such as advice.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Diagnostic(ABC):
    """Looks at a descent after chosen epochs.

    Parameters
    ----------
    every : int
        Looks after each epoch that is measured and whose number is a multiple of this, and at the
        end; 0: only at the end.

    Raises
    ------
    SettingError
        Where that is no whole number >= 0.
    """

    every: int = 1

    def __post_init__(self) -> None:
        whole("every", self.every, 0, "1")

    @property
    def waypoints(self) -> int:
        """How many points of the descent, evenly spaced, it wants to be kept for it."""
        return 0

    def unfit(self, problem: Subject) -> str:
        """Say why it cannot look at a problem; empty where it can."""
        return ""

    def due(self, epoch: int) -> bool:
        """Say whether it looks after an epoch that is not the last."""
        return self.every > 0 and epoch % self.every == 0

    @abstractmethod
    def look(self, sight: Sight) -> Finding:
        """Look, without changing anything but files below the run's output folder.

        Raises
        ------
        GdexpError
            Where what is seen is to fail the run.
        """
