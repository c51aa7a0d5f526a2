"""Schedules: the learning rate over time."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import SettingError, one_of, real, whole

if TYPE_CHECKING:
    from gdexp.descent.epoch import Epoch

Times = NDArray[np.floating[Any]]  # epochs or updates that lie behind


@dataclass(frozen=True)
class Moment:
    """Where a descent is before an epoch.

    Parameters
    ----------
    epoch, updates : int
        What lies behind.
    coming : int
        Updates of the epoch that begins.
    epochs : int, optional
        How many epochs are planned; None where only a stop ends the descent.
    history : sequence of Epoch
        What was measured so far.
    """

    epoch: int
    updates: int
    coming: int
    epochs: int | None
    history: Sequence["Epoch"]


class Schedule(ABC):
    """A learning rate that changes, by epoch or by update."""

    by: str
    needs_the_end = False

    def rates(self, eta: float, moment: Moment) -> float | list[float]:
        """Give the learning rate of the coming epoch, or those of its updates, from η = `eta`."""
        if self.by == "epoch":
            return eta * float(self.factors(np.array([moment.epoch], float), moment.epochs)[0])
        whole_run = None if moment.epochs is None else moment.epochs * moment.coming
        times = moment.updates + np.arange(moment.coming, dtype=float)
        return [eta * float(factor) for factor in self.factors(times, whole_run)]

    def check(self, epochs: int | None) -> None:
        """Refuse (SettingError) a descent whose end it has to know, and does not."""
        if self.needs_the_end and epochs is None:
            told = "set with this schedule, which has to know the end"
            raise SettingError("epochs", told, None, "30")

    @property
    def constant(self) -> bool:
        """Whether nothing changes."""
        return False

    @abstractmethod
    def factors(self, times: Times, end: int | None) -> Times:
        """Give what η is multiplied by when so many epochs or updates lie behind, of `end`."""


@dataclass(frozen=True)
class Constant(Schedule):
    """η, always."""

    by = "epoch"

    @property
    def constant(self) -> bool:
        """Nothing changes."""
        return True

    def factors(self, times: Times, end: int | None) -> Times:
        """1."""
        return np.ones_like(times)


@dataclass(frozen=True)
class _By(Schedule):
    """A schedule that counts either epochs or updates.

    Parameters
    ----------
    by : {"epoch", "update"}
        What it counts.
    """

    by: str

    def __post_init__(self) -> None:
        one_of("by", self.by, ("epoch", "update"))


@dataclass(frozen=True)
class StepDecay(_By):
    """η γ^⌊t/k⌋: times γ every k epochs or updates.

    Parameters
    ----------
    every : int
        k >= 1.
    gamma : float
        γ, in (0, 1].
    """

    every: int
    gamma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("every", self.every, 1, "10")
        real("gamma", self.gamma, "0.5", "(0, 1]")

    def factors(self, times: Times, end: int | None) -> Times:
        """γ^⌊t/k⌋."""
        return self.gamma ** np.floor(times / self.every)


@dataclass(frozen=True)
class InverseTime(_By):
    """η/(1 + t/τ): halved after τ, as stochastic approximation asks (Robbins & Monro 1951).

    Parameters
    ----------
    half_life : float
        τ > 0, in epochs or updates.
    """

    half_life: float

    def __post_init__(self) -> None:
        super().__post_init__()
        real("half_life", self.half_life, "10")

    def factors(self, times: Times, end: int | None) -> Times:
        """1/(1 + t/τ)."""
        return 1 / (1 + times / self.half_life)


@dataclass(frozen=True)
class Exponential(_By):
    """η γ^t.

    Parameters
    ----------
    gamma : float
        γ, in (0, 1].
    """

    gamma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        real("gamma", self.gamma, "0.5", "(0, 1]")

    def factors(self, times: Times, end: int | None) -> Times:
        """γ^t."""
        return self.gamma**times


@dataclass(frozen=True)
class Cosine(_By):
    """Linear warm-up, then half a cosine down to a share of η (Loshchilov & Hutter 2017, eq. 5).

    With w of warm-up of T in all the factor is (t + 1)/(w + 1) for t < w, and then
    f + (1 − f) ½(1 + cos π(t − w)/(T − w)). There are no restarts.

    Parameters
    ----------
    warm_up : int
        w >= 0, in epochs or updates.
    final : float
        f, in [0, 1].
    """

    warm_up: int
    final: float
    needs_the_end = True

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("warm_up", self.warm_up, 0, "0")
        real("final", self.final, "0.0", "[0, 1]")

    def check(self, epochs: int | None) -> None:
        """Refuse a warm-up that would never be over, too."""
        super().check(epochs)
        if self.by == "epoch" and epochs is not None and 0 < epochs <= self.warm_up:
            allowed = f"less than the {epochs} epochs, which it warms up for"
            raise SettingError("schedule.warm_up", allowed, self.warm_up, "0")

    def factors(self, times: Times, end: int | None) -> Times:
        """Evaluate the formula above."""
        assert end is not None, "checked before"
        way = np.clip((times - self.warm_up) / max(end - self.warm_up, 1), 0, 1)
        down = self.final + (1 - self.final) * 0.5 * (1 + np.cos(math.pi * way))
        return np.where(times < self.warm_up, (times + 1) / (self.warm_up + 1), down)


@dataclass(frozen=True)
class Plateau(Schedule):
    """η times γ whenever the validation accuracy has not improved for a while (Nielsen, ch. 3).

    Nielsen halves η when the accuracy has stopped improving for 10 epochs, and ends at 1/128; here
    `least` only ends the halving. Where there is no accuracy the validation cost counts, and the
    training cost where there is no validation set. It depends on what was measured alone, so a
    descent that is resumed goes on as it would have.

    Parameters
    ----------
    gamma : float
        γ, in (0, 1].
    patience : int
        Measurements without a new best before γ is applied, >= 1.
    least : float
        The smallest factor, in (0, 1].
    """

    gamma: float
    patience: int
    least: float
    by = "epoch"

    def __post_init__(self) -> None:
        real("gamma", self.gamma, "0.5", "(0, 1]")
        whole("patience", self.patience, 1, "10")
        real("least", self.least, "0.01", "(0, 1]")

    def rates(self, eta: float, moment: Moment) -> float:
        """Go through the history, and apply γ as often as it asks for."""
        factor, best, waited = 1.0, -math.inf, 0
        for epoch in moment.history:
            best, waited = (epoch.merit, 0) if epoch.merit > best else (best, waited + 1)
            if waited == self.patience:
                factor, waited = max(factor * self.gamma, self.least), 0
        return eta * factor

    def factors(self, times: Times, end: int | None) -> Times:
        """Not by time alone: see `rates`."""
        raise NotImplementedError
