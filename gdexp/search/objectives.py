"""What a search looks for: figures of a run's end, and whether more of them is better."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gdexp.errors import GdexpError, SettingError
from gdexp.tracking.jobs import JUDGES

DIRECTIONS = ("maximize", "minimize")
MERIT = "merit"


@dataclass(frozen=True)
class Objective:
    """A figure that is to be as large, or as small, as it can be.

    Parameters
    ----------
    name : str
        What it is called here.
    metrics : mapping of str to int
        The names that it has in the record of a run, the first that there is; 1 where it is taken
        as it is, -1 with its sign turned.
    maximize : bool
    """

    name: str
    metrics: Mapping[str, int]
    maximize: bool = True

    def of(self, metrics: Mapping[str, float]) -> float:
        """Give what a run reached; NaN where its record does not say."""
        reached = (sign * metrics.get(name, math.nan) for name, sign in self.metrics.items())
        return next((value for value in reached if math.isfinite(value)), math.nan)

    def of_epoch(self, merit: float, cost: float) -> float:
        """Give what it is after an epoch."""
        return cost if self.name == "cost" else merit

    def told(self, value: float) -> str:
        """Write a value: an accuracy as a share."""
        share = self.name in (MERIT, "accuracy") and 0 <= value <= 1
        if share or self.name.endswith("/accuracy") or self.name.endswith("_accuracy"):
            return f"{value:.2%}"
        return f"{abs(value) if self.name == MERIT else value:.4g}"

    @property
    def curve(self) -> bool:
        """Whether it is known after every epoch, so that a hopeless run can be told by it."""
        return self.name in (MERIT, "accuracy", "cost")


KNOWN = {
    each.name: each
    for each in (
        Objective(MERIT, JUDGES),
        Objective("accuracy", {"best/val_accuracy": 1, "best/train_accuracy": 1}),
        Objective(
            "cost",
            {"best/val_cost_mean": 1, "best/train_cost_mean": 1, "final/train_cost_mean": 1},
            maximize=False,
        ),
        Objective("time", {"time/train_seconds": 1}, maximize=False),
    )
}


def objectives(named: Any, directions: Any) -> list[Objective]:
    """Give what is looked for.

    Parameters
    ----------
    named : str or list of str
        As `KNOWN` has them, or the name of a metric that runs are logged with once.
    directions : str or list of str, optional
        One for each, where it is not as `KNOWN` has it.

    Raises
    ------
    GdexpError
        Where that is not what can be looked for.
    """
    names = _listed("search.objective", named, "merit, or [accuracy,time]")
    wanted = _listed("search.direction", directions, "minimize") if directions is not None else []
    if len(set(names)) < len(names):
        raise SettingError("search.objective", "different ones", named, "[accuracy,time]")
    for each in wanted:
        if each not in DIRECTIONS:
            raise SettingError("search.direction", "maximize or minimize", each, "minimize")
    if wanted and len(wanted) != len(names):
        raise GdexpError(
            f"search.direction: one for each of {', '.join(names)}. Got {len(wanted)}. "
            f"Write for example search.direction=[{','.join(['minimize'] * len(names))}]."
        )
    return [_objective(name, wanted[at] if wanted else "") for at, name in enumerate(names)]


def _objective(name: str, direction: str) -> Objective:
    if name in KNOWN:
        known = KNOWN[name]
        return replace(known, maximize=direction == "maximize") if direction else known
    if "/" not in name:
        allowed = f"one of {', '.join(KNOWN)}, or a metric by its name"
        raise SettingError("search.objective", allowed, name, "best/test_accuracy")
    if not direction:
        raise GdexpError(
            f"search.direction: say what is wanted of {name}. "
            "Write search.direction=maximize or search.direction=minimize."
        )
    return Objective(name, {name: 1}, direction == "maximize")


def _listed(setting: str, value: Any, example: str) -> list[str]:
    values: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(each, str) and each for each in values):
        raise SettingError(setting, "a word, or a list of words", value, example)
    return [*values]
