"""What can be set of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gdexp.errors import GdexpError, SettingError, flag, one_of, whole
from gdexp.search.objectives import MERIT, Objective, objectives

SAMPLERS = ("tpe", "random", "cmaes", "grid")
PRUNERS = ("none", "median", "halving")
MOST = 1_000_000


@dataclass(frozen=True)
class Settings:
    """The settings ``search.…``, and those ``sweep.…`` that a search has, too.

    Parameters
    ----------
    trials : int
        How many different runs, or sets of runs that differ in their seeds, are tried.
    sampler : {"tpe", "random", "cmaes", "grid"}
    seed : int
        Of the sampler.
    objective : str or list of str
    direction : str or list of str, optional
    pruner : {"none", "median", "halving"}
        What ends runs that are hopeless.
    warmup : int
        Epochs that each run has for certain.
    seeds : int
        Runs of a trial, at most.
    at_once : int
        Trials that a launcher is given at a time, where it is not ``launcher=local``.
    dry_run, fail_fast, resume : bool

    Raises
    ------
    GdexpError
        Where a value is not allowed.
    """

    trials: int = 40
    sampler: str = "tpe"
    seed: int = 0
    objective: Any = MERIT
    direction: Any = None
    pruner: str = "none"
    warmup: int = 3
    seeds: int = 1
    at_once: int = 1
    dry_run: bool = False
    fail_fast: bool = False
    resume: bool = False
    objectives: Sequence[Objective] = field(init=False)

    def __post_init__(self) -> None:
        whole("search.trials", self.trials, 1, "40")
        if self.trials > MOST:
            raise SettingError("search.trials", f"at most {MOST:,}", self.trials, "40")
        one_of("search.sampler", self.sampler, SAMPLERS)
        whole("search.seed", self.seed, 0, "0")
        one_of("search.pruner", self.pruner, PRUNERS)
        whole("search.warmup", self.warmup, 1, "3")
        whole("search.seeds", self.seeds, 1, "3")
        whole("search.at_once", self.at_once, 1, "2")
        for name in ("dry_run", "fail_fast", "resume"):
            flag(f"sweep.{name}", getattr(self, name))
        object.__setattr__(self, "objectives", objectives(self.objective, self.direction))
        self._check_together()

    def _check_together(self) -> None:
        if len(self.objectives) > 1 and (self.prunes or self.seeds > 1):
            name = "pruner" if self.prunes else "seeds"
            raise GdexpError(
                f"search.{name}: which trials are hopeless is decided by one objective. "
                f"Got {len(self.objectives)}. Leave search.{name} out, or look for one thing."
            )
        if len(self.objectives) > 1 and self.sampler == "cmaes":
            raise GdexpError("search.sampler=cmaes: looks for one thing. Take search.sampler=tpe.")
        if self.prunes and self.seeds > 1:
            raise GdexpError(
                "search.pruner: with search.seeds it is seeds that hopeless trials are spared. "
                "Write search.pruner=none, or search.seeds=1."
            )
        if self.prunes and not self.objectives[0].curve:
            raise GdexpError(
                f"search.pruner: {self.objectives[0].name} is known at the end only. "
                "Look for merit, accuracy or cost, or write search.pruner=none."
            )

    @property
    def prunes(self) -> bool:
        """Whether hopeless runs are ended."""
        return self.pruner != "none"
