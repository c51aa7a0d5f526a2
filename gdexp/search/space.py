"""The space of a search: ranges, as Hydra's grammar writes them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from gdexp.errors import GdexpError

FINE = 3  # decimal places that a range is divided into, at least
DIGITS = 4  # of a number on a logarithmic scale


class Trial(Protocol):
    """What suggests values: Optuna's, or what stands in for it."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...  # noqa: D102
    def suggest_float(  # noqa: D102
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...
    def suggest_int(  # noqa: D102
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int: ...


@dataclass(frozen=True)
class Axis:
    """A setting that is searched.

    Parameters
    ----------
    name : str
        What stands before the ``=``.
    told : str
        What stands after it.
    values : tuple of str
        All that it can be, where they can be listed.
    low, high : float
        The ends of its range, where it is one of numbers.
    step : float, optional
        Between its values, where they are evenly spaced.
    log, whole, ordered : bool
        Whether its scale is logarithmic, whether it has whole numbers only, and whether it is a
        range of numbers and no choice.
    option : bool
        Whether it chooses an option of the menu, on which other settings may depend.
    """

    name: str
    told: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    whole: bool = False
    ordered: bool = False
    option: bool = False

    @property
    def bare(self) -> str:
        """The name of the setting alone."""
        return self.name.lstrip("+")

    def suggest(self, trial: Trial) -> str:
        """Have a value suggested; gives it as an override writes it."""
        if not self.ordered:
            return str(trial.suggest_categorical(self.bare, self.values))
        if self.whole:
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            return str(trial.suggest_int(self.bare, low, high, step=step, log=self.log))
        value = trial.suggest_float(self.bare, self.low, self.high, step=self.step, log=self.log)
        if self.step is not None:
            return self.values[round((value - self.low) / self.step)]
        return repr(self.rounded(value))

    def rounded(self, value: float) -> float:
        """Leave out digits that nobody asked for: a run is to have a name that can be read."""
        if self.log:
            places = DIGITS - 1 - math.floor(math.log10(value))
        else:
            places = FINE - math.floor(math.log10(self.high - self.low))
        return min(max(round(value, places), self.low), self.high)

    @property
    def ends(self) -> list[str]:
        """The values between which all lie, or all of a choice: what is tried out first."""
        if self.values:
            return [self.values[0], self.values[-1]] if self.ordered else [*self.values]
        ends = (self.low, self.high)
        return [str(int(end)) if self.whole else repr(end) for end in ends]


@dataclass(frozen=True)
class Space:
    """All that is searched.

    Parameters
    ----------
    fixed : sequence of str
        Overrides of all trials.
    axes : sequence of Axis
        Those that choose options come first.
    """

    fixed: Sequence[str]
    axes: Sequence[Axis]

    @cached_property
    def options(self) -> list[Axis]:
        """The axes that choose options."""
        return [axis for axis in self.axes if axis.option]

    @cached_property
    def size(self) -> float:
        """How many different trials there can be."""
        counts = [len(axis.values) or math.inf for axis in self.axes]
        return math.prod(counts)

    def words(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Give the overrides of a trial, from the values of its axes, by name."""
        set_ = (f"{axis.name}={values[axis.name]}" for axis in self.axes if axis.name in values)
        return (*self.fixed, *set_)


def space_of(loader: ConfigLoader, words: Sequence[str]) -> Space:
    """Read what is to be searched.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's.
    words : sequence of str
        Overrides; those with a range are axes.

    Raises
    ------
    GdexpError
        Where a range is empty or cannot be, or where there is none.
    HydraException
        Where a word cannot be read.
    """
    parser = OverridesParser.create(config_loader=loader)
    fixed, axes = [], []
    for override in parser.parse_overrides(list(words)):
        if override.is_sweep_override():
            option = bool(loader.get_group_options(override.key_or_group))
            axes.append(_axis(override, option))
        else:
            fixed.append(str(override.input_line))
    if not axes:
        raise GdexpError(
            "search: no setting has a range. "
            "Write for example 'eta=interval(0.1,10)' or 'batch=choice(1,10,100)'."
        )
    names = [axis.bare for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise GdexpError(f"{name}: has several ranges. Write one.")
    return Space(fixed, sorted(axes, key=lambda axis: not axis.option))


def _axis(override: Override, option: bool) -> Axis:
    name, told = override.get_key_element(), str(override.input_line).partition("=")[2]
    value: Any = override.value()
    tags: set[str] = getattr(value, "tags", set())  # which glob(...) has none of
    if other := tags - {"log"}:
        raise GdexpError(
            f"{name}={told}: the tag {', '.join(sorted(other))} means nothing here; there is log."
        )
    log = bool(tags)
    if isinstance(value, IntervalSweep):
        return _interval(name, told, value, log)
    if isinstance(value, RangeSweep):
        return _range(name, told, override, log)
    values = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if log:
        raise GdexpError(f"{name}={told}: a choice has no scale. Leave tag(log, ...) out.")
    if not values:
        raise GdexpError(f"{name}={told}: there is no value. Write {name}=VALUE,VALUE.")
    return Axis(name, told, values, option=option)


def _interval(name: str, told: str, value: IntervalSweep, log: bool) -> Axis:
    low, high = value.start, value.end
    assert low is not None
    assert high is not None
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        raise GdexpError(
            f"{name}={told}: there is nothing between {low:g} and {high:g}. "
            f"Write the smaller end first: {name}=interval(0.1,10)."
        )
    _check_log(name, told, low, log)
    whole = isinstance(low, int) and isinstance(high, int)
    return Axis(name, told, (), low, high, log=log, whole=whole, ordered=True)


def _range(name: str, told: str, override: Override, log: bool) -> Axis:
    words = tuple(override.sweep_string_iterator())
    if not words:
        raise GdexpError(f"{name}={told}: there is no value. Write for example {name}=range(1,10).")
    values = sorted(words, key=float)
    numbers = [float(each) for each in values]
    _check_log(name, told, numbers[0], log)
    step = float(Decimal(values[1]) - Decimal(values[0])) if len(values) > 1 else 1.0
    whole = all("." not in each and "e" not in each for each in values)
    if log and (not whole or step != 1):
        raise GdexpError(
            f"{name}={told}: even steps have no logarithmic scale. "
            f"Write {name}=tag(log,interval({values[0]},{values[-1]}))."
        )
    return Axis(name, told, tuple(values), numbers[0], numbers[-1], step, log, whole, True)


def _check_log(name: str, told: str, low: float, log: bool) -> None:
    if log and low <= 0:
        raise GdexpError(
            f"{name}={told}: a logarithmic scale begins above 0. Got {low:g}. "
            f"Write for example {name}=tag(log,interval(0.1,10))."
        )
