"""What can be set of a sweep, and what a study is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gdexp.errors import GdexpError, SettingError, flag
from gdexp.sweeps.grids import Grid


@dataclass(frozen=True)
class Settings:
    """The settings ``sweep.…`` of a command line.

    Parameters
    ----------
    dry_run : bool
        Print the table of jobs, and run none.
    fail_fast : bool
        Begin no job any more once one has failed.
    resume : bool
        Go on with the sweep of these jobs that is there already.
    retry_failed : bool
        When it is gone on with, run jobs again that have failed.
    force : bool
        Go on although the code, or the data, are not those that it began with.

    Raises
    ------
    SettingError
        Where a value is not allowed.
    """

    dry_run: bool = False
    fail_fast: bool = False
    resume: bool = False
    retry_failed: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        for name in ("dry_run", "fail_fast", "resume", "retry_failed", "force"):
            flag(f"sweep.{name}", getattr(self, name))
        for name in ("retry_failed", "force"):
            if getattr(self, name) and not self.resume:
                raise GdexpError(
                    f"sweep.{name}=true: means something only where a sweep is gone on with. "
                    "Write sweep.resume=true, too."
                )


@dataclass(frozen=True)
class Study:
    """A whole comparison: grids of runs, and the question that they answer.

    Parameters
    ----------
    title, question : str
        Of the report.
    grids : sequence of mapping
        Each from a setting to its value, or to a list of values; gone through one after another.
    common : mapping
        What all of them have, where they do not say otherwise.

    Raises
    ------
    GdexpError
        Where something is missing, or is of the wrong kind.
    """

    title: str
    question: str = ""
    grids: Sequence[Grid] = ()
    common: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("title", "question"):
            if not isinstance(getattr(self, name), str):
                raise SettingError(f"study.{name}", "a text", getattr(self, name))
        if not isinstance(self.common, Mapping):
            raise SettingError("study.common", "settings with their values", self.common)
        grids = self.grids if isinstance(self.grids, list | tuple) else ()
        if not grids or not all(isinstance(grid, Mapping) for grid in grids):
            example = "[{optimizer: gd}, {optimizer: sgd, batch: [1, 10]}]"
            raise SettingError("study.grids", "a list of grids", self.grids, example)

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> "Study":
        """Make a study of a node of the configuration.

        Raises
        ------
        GdexpError
            Where it is none.
        """
        allowed = ("title", "question", "grids", "common")
        for name in node:
            if name not in (*allowed, "_target_"):
                raise GdexpError(f"study.{name}: no such setting; there are: {', '.join(allowed)}.")
        if "title" not in node:
            raise GdexpError("study.title must be set. Got nothing.")
        return cls(**{name: value for name, value in node.items() if name in allowed})

    @property
    def whole(self) -> list[Grid]:
        """The grids, each with what all have in common, which varies fastest."""
        return [
            {**grid, **{name: axis for name, axis in self.common.items() if name not in grid}}
            for grid in self.grids
        ]
