"""Stops: when a descent ends before all its epochs are done."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gdexp.descent.epoch import Epoch
from gdexp.descent.optimizers import Pace
from gdexp.errors import GdexpError, SettingError, flag, one_of, real, whole


class Stop(ABC):
    """A reason to end, looked for after every epoch that is measured."""

    bounded = False  # whether it comes for certain, so that epochs need not be set
    restores = False  # whether the best parameters are to be kept, and to be the last ones
    spent = ""  # what to say where no updates are left

    def check(self, m: int, parts: Mapping[str, bool]) -> None:  # noqa: B027 - most need nothing
        """Refuse a descent in which it can never come.

        Parameters
        ----------
        m : int
            Examples that an update sees.
        parts : mapping of str to bool
            The sets that are measured, and whether each has an accuracy.

        Raises
        ------
        GdexpError
            Saying what is lacking.
        """

    @abstractmethod
    def reason(self, history: Sequence[Epoch]) -> str:
        """Say why to end after what was measured so far; empty to go on."""

    @property
    def missed(self) -> str:
        """What to remark of a descent that ended otherwise; empty where there is nothing to say."""
        return ""

    def updates_left(self, updates: int, examples: int, pace: Pace) -> int | None:
        """Say how many may follow when so much was done in whole epochs; None for any number."""
        return None

    def merit(self, epoch: Epoch) -> float:
        """Give what the best parameters are the best in: the larger the better."""
        return epoch.merit


@dataclass(frozen=True)
class AfterEpochs(Stop):
    """No stop of its own: the descent ends when its epochs are done."""

    def reason(self, history: Sequence[Epoch]) -> str:
        """Never."""
        return ""


@dataclass(frozen=True)
class Tolerance(Stop):
    """Ends when further steps do not reduce the training cost by more than a tolerance.

    Parameters
    ----------
    tolerance : float
        > 0: in units of the cost, or as a share of it.
    relative : bool
        Whether it is a share.
    window : int
        Measurements over which the reduction is taken, >= 1.
    """

    tolerance: float
    relative: bool
    window: int

    def __post_init__(self) -> None:
        real("tolerance", self.tolerance, "1e-6")
        flag("relative", self.relative)
        whole("window", self.window, 1, "5")

    def reason(self, history: Sequence[Epoch]) -> str:
        """Compare the cost with that of a window before."""
        if len(history) <= self.window:
            return ""
        before, now = history[-1 - self.window].cost, history[-1].cost
        least = self.tolerance * abs(before) if self.relative else self.tolerance
        if not before - now <= least:
            return ""
        share = " of it" if self.relative else ""
        over = "measurement" if self.window == 1 else f"{self.window} measurements"
        if now > before:
            return f"the last {over} brought the cost up, from {before:.4g} to {now:.4g}"
        return f"the last {over} reduced the cost by no more than {self.tolerance:g}{share}"


@dataclass(frozen=True)
class Early(Stop):
    """Ends when the validation set has not been done better for a while (Prechelt 1998).

    Parameters
    ----------
    patience : int
        Measurements without a new best, >= 1.
    metric : {"accuracy", "cost"}
        Of the validation set.
    restore : bool
        Whether the run ends with the parameters of its best measurement.
    """

    patience: int
    metric: str
    restore: bool

    def __post_init__(self) -> None:
        whole("patience", self.patience, 1, "10")
        one_of("metric", self.metric, ("accuracy", "cost"))
        flag("restore", self.restore)

    @property
    def restores(self) -> bool:  # type: ignore[override]
        """As set."""
        return self.restore

    def check(self, m: int, parts: Mapping[str, bool]) -> None:
        """Ask for a validation set, and for its accuracy where that is gone by."""
        if "val" not in parts:
            raise GdexpError(
                "stop=early needs a validation set, which this problem has not. "
                "Take another stop, such as stop=tolerance."
            )
        if self.metric == "accuracy" and not parts["val"]:
            raise GdexpError("stop.metric: there is no accuracy here. Write stop.metric=cost.")

    def merit(self, epoch: Epoch) -> float:
        """Give what is the larger the better."""
        measure = epoch.parts["val"]
        if self.metric == "accuracy" and measure.accuracy is not None:
            return measure.accuracy
        return -measure.cost / measure.n

    def reason(self, history: Sequence[Epoch]) -> str:
        """Count the measurements since the best one."""
        merits = [self.merit(epoch) for epoch in history]
        best = max(range(len(merits)), key=merits.__getitem__)
        if len(merits) - 1 - best < self.patience:
            return ""
        told = f"no better validation {self.metric} since epoch {history[best].number}"
        return f"{told}, whose parameters are kept" if self.restore else told


@dataclass(frozen=True)
class Budget(Stop):
    """Ends when something is used up: so that variants can be compared fairly.

    Updates and examples are met exactly, within an epoch too (of examples, as many updates as they
    allow); seconds, spent on updates alone, are looked at after every measured epoch.

    Parameters
    ----------
    updates, examples : int, optional
    seconds : float, optional
        One of the three, > 0.
    """

    updates: int | None = None
    examples: int | None = None
    seconds: float | None = None
    bounded = True

    def __post_init__(self) -> None:
        given = {k: v for k, v in vars(self).items() if v is not None}
        if len(given) != 1:
            told = ", ".join(f"{name}={value}" for name, value in given.items()) or "none"
            raise GdexpError(
                "stop=budget takes just one of stop.updates, stop.examples and stop.seconds. "
                f"Got {told}. Write for example stop.examples=500000."
            )
        for name in ("updates", "examples"):
            if name in given:
                whole(name, given[name], 1, "500000")
        if self.seconds is not None:
            real("seconds", self.seconds, "10")

    def check(self, m: int, parts: Mapping[str, bool]) -> None:
        """Ask for examples enough for an update."""
        if self.examples is not None and self.examples < m:
            allowed = f"at least m = {m}, the examples of an update"
            raise SettingError("stop.examples", allowed, self.examples, str(10 * m))

    def reason(self, history: Sequence[Epoch]) -> str:
        """Say when the seconds are over; updates and examples are limited beforehand."""
        over = self.seconds is not None and history[-1].seconds >= self.seconds
        return self.spent if over else ""

    @property
    def spent(self) -> str:  # type: ignore[override]
        """Name the budget."""
        name, count = next((k, v) for k, v in vars(self).items() if v is not None)
        return f"the budget of {count:,} {name} is spent"

    def updates_left(self, updates: int, examples: int, pace: Pace) -> int | None:
        """Give what the budget allows: an epoch's last update may have fewer examples than m."""
        if self.updates is not None:
            return max(self.updates - updates, 0)
        if self.examples is None:
            return None
        epochs, rest = divmod(max(self.examples - examples, 0), pace.examples)
        return epochs * pace.updates + rest // pace.m


@dataclass(frozen=True)
class Target(Stop):
    """Ends when a cost or an accuracy is reached, and tells what that took.

    Parameters
    ----------
    cost : float, optional
        Mean cost to come down to.
    accuracy : float, optional
        Accuracy to come up to, in (0, 1]. One of the two.
    part : {"train", "val", "test"}
        Which set is meant.
    """

    cost: float | None = None
    accuracy: float | None = None
    part: str = "val"

    def __post_init__(self) -> None:
        if (self.cost is None) == (self.accuracy is None):
            raise GdexpError(
                "stop=target takes just one of stop.cost and stop.accuracy. "
                f"Got {'none' if self.cost is None else 'both'}. "
                "Write for example stop.accuracy=0.95."
            )
        one_of("part", self.part, ("train", "val", "test"))
        if self.cost is not None:
            real("cost", self.cost, "0.1", "(-inf, inf)")
        else:
            real("accuracy", self.accuracy, "0.95", "(0, 1]")

    def check(self, m: int, parts: Mapping[str, bool]) -> None:
        """Ask for the set, and for its accuracy where that is the target."""
        if self.part not in parts or (self.cost is None and not parts[self.part]):
            what = "accuracy" if self.cost is None else "cost"
            raise GdexpError(
                f"stop=target: there is no {what} of {self.part!r} here. "
                "Write for example stop.part=train stop.cost=0.1."
            )

    @property
    def missed(self) -> str:
        """Say that the target was not reached."""
        if self.cost is not None:
            return f"{self.part} cost {self.cost:g} was not reached"
        return f"{self.part} accuracy {self.accuracy:.2%} was not reached"

    def reason(self, history: Sequence[Epoch]) -> str:
        """Compare the last measurement with the target."""
        last = history[-1]
        measure = last.parts[self.part]
        took = f"in {last.updates:,} updates, {last.examples:,} examples, {last.seconds:.3g} s"
        if self.cost is not None and measure.cost / measure.n <= self.cost:
            return f"{self.part} cost {self.cost:g} reached {took}"
        if self.accuracy is not None and (measure.accuracy or 0.0) >= self.accuracy:
            return f"{self.part} accuracy {self.accuracy:.2%} reached {took}"
        return ""
