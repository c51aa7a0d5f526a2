"""An experiment: all that decides what a run computes, and where it is told."""

import math
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.data import Dataset
from gdexp.data.streams import Arrivals, replayed
from gdexp.data.streams import Arriving as ArrivingSource
from gdexp.descent import (
    Arriving,
    Evaluation,
    Optimizer,
    Penalty,
    Rule,
    Scaling,
    Schedule,
    Stop,
    Stream,
    Update,
    Vector,
)
from gdexp.diagnostics import Diagnostic, Inspection, Subject
from gdexp.engines import Engine
from gdexp.errors import GdexpError, SettingError, whole
from gdexp.tracking import Checkpointing, Journaling, Tracking


class Source(Protocol):
    """Where a data set comes from."""

    def load(self) -> Dataset:
        """Read it; GdexpError where it is missing or damaged."""


class RunProblem(Subject, Protocol):
    """A problem that a run can be recorded of."""

    dataset: Dataset | None
    dtype: np.dtype[Any]

    @property
    def title(self) -> str:
        """What it is, in a few words."""

    def params(self) -> dict[str, str]:
        """Give what is to be shown of it beyond its settings."""

    def arrays(self, v: Vector) -> dict[str, NDArray[Any]]:
        """Name what of v is to be kept."""

    def figures(self, v: Vector) -> dict[str, float]:
        """Name the figures that are logged with every measurement, beside the measures."""

    def told(self, v: Vector) -> dict[str, str]:
        """Say, under a word each, what the summary is to tell of the point that was reached."""

    def curvature(self) -> float | None:
        """Give the largest curvature of Σ C_x, where it is the same everywhere, and known."""


class ProblemChoice(Protocol):
    """An option of the group ``problem``: what is minimised, and of what it is made."""

    uses: tuple[str, ...]

    def build(self, dtype: np.dtype[Any], **parts: Any) -> RunProblem:
        """Put the problem together from the parts that it uses, "dataset" among them."""


def loaded(source: Source) -> Dataset:
    """Load a data set, once for all runs of a process: a sweep has one copy of it."""
    if isinstance(source, Hashable):
        with suppress(TypeError):  # frozen, but a field of it cannot be hashed
            hash(source)
            return _loaded(source)
    return source.load()


@lru_cache(maxsize=2)
def _loaded(source: Any) -> Dataset:
    dataset: Dataset = source.load()
    return dataset


@dataclass(frozen=True)
class Experiment:
    """The objects that a composed configuration stands for, one a choice of the menu.

    Parameters
    ----------
    problem, optimizer, rule, schedule, stop, scaling, penalty, eval, engine, tracking
        The choices.
    data, architecture, cost, function : optional
        What the problem is made of: those that it uses.
    stream : optional
        When a descent on examples that arrive ends; with ``optimizer=stream``, and only with it.
    eta : float
        Learning rate η, finite and > 0, in the convention of ``scaling.update``.
    epochs : int, optional
        Times that the training examples are gone through, >= 0; None leaves the end to the stop.
    clip : float, optional
        The largest norm of a gradient's estimate, > 0.
    diagnostics : mapping of str to Diagnostic
        Those that look on, by name.
    seed : int
        Of the first weights and of the order of the examples, >= 0.
    journal, checkpoint
        How what happens, and where the descent is, is written down.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    problem: ProblemChoice
    optimizer: Optimizer | Arriving
    rule: Rule
    schedule: Schedule
    stop: Stop
    scaling: Scaling
    penalty: Penalty
    eval: Evaluation
    engine: Engine
    tracking: Tracking
    eta: float
    epochs: int | None
    seed: int
    clip: float | None = None
    data: Source | None = None
    architecture: Any = None
    cost: Any = None
    function: Any = None
    diagnostics: Mapping[str, Diagnostic] = field(default_factory=dict)
    stream: Stream | None = None
    journal: Journaling = field(default_factory=Journaling)
    checkpoint: Checkpointing = field(default_factory=Checkpointing)

    def __post_init__(self) -> None:
        object.__setattr__(self, "eta", _finite(self.eta))
        self._check_stream()
        if self.stream is None and self.epochs is None and not self.stop.bounded:
            advice = "Only stop=budget can do without."
            raise SettingError("epochs", "set, for want of a stop that comes", None, "30", advice)
        if self.epochs is not None:
            whole("epochs", self.epochs, 0, "30")
        whole("seed", self.seed, 0, "0")
        if self.stream is None:
            self.schedule.check(self.epochs)
        Update(clip=self.clip)  # refuses what is not allowed
        if self.cost is not None and self.architecture is not None:
            self.cost.check(self.architecture.output_activation)

    def _check_stream(self) -> None:
        arriving = isinstance(self.optimizer, Arriving)
        if arriving != (self.stream is not None):
            raise GdexpError("stream: goes with optimizer=stream, which brings it, and only so.")
        if self.stream is not None:
            if not hasattr(self.problem, "learns"):
                raise GdexpError("optimizer=stream: only problem=network learns from what arrives.")
            updates = None if self.most is None else -(-self.most // self.optimizer.batch_size(0))
            self.stream.check(
                self.scaling, self.schedule, self.stop, self.penalty, self.epochs, updates
            )
            if self.journal.updates:
                raise GdexpError(
                    "journal.updates: a stream reports as often as stream.report says. "
                    "Leave it out."
                )
            if self.diagnostics:
                raise GdexpError(
                    "diagnostics: they look at training examples, and a stream holds none. "
                    "Leave them out, or learn from data that are held: optimizer=sgd."
                )
        elif self.scaling.cost == "running":
            raise GdexpError(
                "scaling.cost=running: a mean over what was seen lately is for optimizer=stream. "
                "Where n is known write scaling.cost=mean."
            )

    @property
    def update(self) -> Update:
        """What an update does."""
        return Update(self.scaling, self.rule, self.penalty, self.clip)

    @property
    def most(self) -> int | None:
        """How many examples of a stream are taken; None: as many as come."""
        enough: int | None = getattr(self.data, "enough", None)
        return None if self.stream is None else self.stream.most(enough)

    @property
    def reports(self) -> int | None:
        """How many epochs, or reports of a stream, are planned; None where nobody knows."""
        if self.stream is None:
            return self.epochs
        return None if self.most is None else -(-self.most // self.stream.report)

    @property
    def data_digest(self) -> str:
        """Name the content of the data that are held; empty where there are none."""
        if self.stream is not None or self.data is None:
            return ""
        parts = loaded(self.data).parts
        return sha256(" ".join(part.digest for part in parts.values()).encode()).hexdigest()[:16]

    def open(self) -> Arrivals | None:
        """Begin to read a stream, where there is one: of what arrives, or of what is held.

        Raises
        ------
        GdexpError
            Where there is no example, or where the problem cannot learn from such.
        """
        if self.stream is None:
            return None
        assert self.data is not None  # the problem learns from it
        if isinstance(self.data, ArrivingSource):
            return self.data.open(self.stream.bad_lines)
        return replayed(loaded(self.data))

    def build(self, dtype: DTypeLike | None = None, dataset: Dataset | None = None) -> "RunProblem":
        """Give the problem, its data loaded where they are not given.

        Parameters
        ----------
        dtype : dtype, optional
            The precision, where it is not the engine's.
        dataset : Dataset, optional
            What is known of a stream.

        Raises
        ------
        GdexpError
            Where the data are missing or do not fit the settings.
        """
        parts = {name: getattr(self, name) for name in self.problem.uses if name != "data"}
        if "data" in self.problem.uses and self.data is not None:
            parts["dataset"] = dataset or loaded(self.data)
        precision = self.engine.dtype if dtype is None else np.dtype(dtype)
        return self.problem.build(precision, **parts)

    def inspection(self, problem: "RunProblem", folder: Path) -> Inspection:
        """Give who looks at a run that writes to a folder.

        Raises
        ------
        GdexpError
            Where one of them cannot look at the problem.
        """
        exact = self.build(np.float64) if self.diagnostics else problem
        return Inspection(self.diagnostics, problem, exact, folder, self.seed)


def _finite(eta: Any) -> float:
    if isinstance(eta, int | float) and not isinstance(eta, bool):
        with suppress(OverflowError):  # a whole number of 400 digits
            if math.isfinite(eta) and eta > 0:
                return float(eta)
    raise SettingError("eta", "a finite number > 0", eta, "3.0")
