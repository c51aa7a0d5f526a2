"""What a search is to be, before it begins: its space tried out at its ends."""

import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from gdexp.complain import complaint
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.result import plural
from gdexp.search.settings import Settings
from gdexp.search.space import Axis, Space
from gdexp.sweeps.grids import Words
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.planner import MISTAKES, Planner
from gdexp.tracking import Tracking
from gdexp.tracking.jobs import JobState
from gdexp.tracking.settings import masked

MOST_COMBINED = 64  # combinations of options that are tried out
SEED = "seed"
RESUME = "sweep.resume="


@dataclass(frozen=True, kw_only=True)
class SearchPlan(Plan):
    """A search: a sweep whose jobs come one after another.

    Parameters
    ----------
    space : Space
    settings : Settings
    home : Tracking
    place : str
        Where its runs are told, and the folder of all runs.
    """

    space: Space
    settings: Settings
    home: Tracking
    place: str

    retries = False  # what failed stays so: the trials after it were chosen knowing that

    @property
    def resuming(self) -> list[str]:
        """What to write after ``python -m gdexp`` to go on with it."""
        kept = [masked(word) for word in self.words if not word.startswith(RESUME)]
        return [shlex.quote(word) for word in ("-m", *kept, f"{RESUME}true")]

    def carried_out(self, states: Sequence[JobState]) -> str:
        """Say what was done of it now, and what before."""
        earlier = self.earlier
        assert earlier is not None
        before = len(earlier.done) + len(earlier.failed)
        parts = [f"{before} done before"]
        parts += [f"{len(earlier.due)} gone on with"] if earlier.due else []
        new = len(states) - before - len(earlier.due)
        return f"{plural(len(states), 'job')}: {', '.join([*parts, f'{new} new'])}"

    @property
    def title(self) -> str:
        """The name of the sweep's own run."""
        names = ", ".join(axis.bare for axis in self.space.axes)
        return f"search of {names} ({plural(self.settings.trials, 'trial')})"

    @property
    def tracking(self) -> Tracking:
        """Where its runs are told."""
        return self.home

    @property
    def outputs(self) -> str:
        """The folder of all runs."""
        return self.place

    @property
    def tags(self) -> dict[str, str]:
        """What it is tagged with beyond what all sweeps are."""
        return {"gdexp.search": self.settings.sampler}

    @property
    def params(self) -> dict[str, str]:
        """What MLflow shows of it."""
        settings = self.settings
        objective = ",".join(each.name for each in settings.objectives)
        shown = {"sampler": settings.sampler, "seed": str(settings.seed)}
        shown |= {"objective": objective, "pruner": settings.pruner, "seeds": str(settings.seeds)}
        axes = {f"axis.{axis.bare}": axis.told for axis in self.space.axes}
        return {**{f"search.{name}": value for name, value in shown.items()}, **axes}

    @cached_property
    def axes(self) -> dict[str, list[str]]:
        """What varies from job to job, as it is written."""
        seeds = {SEED: [str(self.settings.seeds)]} if self.settings.seeds > 1 else {}
        return {**{axis.bare: [axis.told] for axis in self.space.axes}, **seeds}


class Composing:
    """Composes trials; knows which settings there are with which options.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's.
    master : DictConfig
        The configuration of the command.
    folder : Path
        The sweep's own.
    space : Space
    """

    def __init__(
        self, loader: ConfigLoader, master: DictConfig, folder: Path, space: Space
    ) -> None:
        self.space = space
        varied = [*(axis.bare for axis in space.axes), SEED]
        self.planner = Planner(loader, master, folder, varied)
        self._there: dict[Words, list[Axis]] = {}

    def move(self, folder: Path) -> None:
        """Have jobs in another folder, that of a search which is gone on with."""
        self.planner.move(folder)

    def there(self, options: Mapping[str, str]) -> list[Axis]:
        """Give the axes, beyond those of options, whose settings exist with these options.

        Raises
        ------
        GdexpError, HydraException, OmegaConfBaseException
            Where such options cannot be.
        """
        words = self.space.words(options)
        if words not in self._there:
            config = self.planner.composer.config(words)
            others = (axis for axis in self.space.axes if not axis.option)
            self._there[words] = [
                axis for axis in others if axis.name.startswith("+") or _has(config, axis.bare)
            ]
        return self._there[words]

    def try_out(self) -> Request:
        """Compose the ends of the space, each range's with the first value of the others.

        Returns
        -------
        Request
            One of them.

        Raises
        ------
        GdexpError
            Where some cannot be; or where a setting exists with none of the options.
        """
        mistakes: dict[str, list[str]] = {}
        known: set[str] = set()
        found = None
        for values in self._ends(known, mistakes):
            words = self.space.words(values)
            try:
                _, found = self.planner.compose(words)
            except MISTAKES as error:
                told = complaint(error, words)
                mistakes.setdefault(told, []).append(_pairs(values))
        self._refuse(mistakes, known)
        assert found is not None
        return found

    def _ends(self, known: set[str], mistakes: dict[str, list[str]]) -> Iterator[dict[str, str]]:
        for options in _combined(self.space.options):
            try:
                axes = self.there(options)
            except MISTAKES as error:
                told = complaint(error, self.space.words(options))
                mistakes.setdefault(told, []).append(_pairs(options))
                continue
            known |= {axis.name for axis in [*axes, *self.space.options]}
            first = {**options, **{axis.name: axis.ends[0] for axis in axes}}
            yield first
            for axis in axes:
                for value in axis.ends[1:]:
                    yield {**first, axis.name: value}

    def _refuse(self, mistakes: Mapping[str, Sequence[str]], known: set[str]) -> None:
        lines = []
        for axis in self.space.axes:
            if axis.name not in known and not mistakes:
                error = f"{axis.bare}: no such setting"
                words = [*self.space.fixed, f"{axis.name}={axis.ends[0]}"]
                try:
                    self.planner.composer.config(words)
                except MISTAKES as mistake:
                    error = complaint(mistake, words)
                lines.append(error)
        for told, where in mistakes.items():
            lines += [f"{where[0]}: {told}"] if len(where) == 1 else [told, f"  {where[0]}"]
            lines += [f"  {each}" for each in where[1:]]
            if "must be a whole number" in told:
                lines.append("  An interval has whole numbers only with int(interval(1,100)).")
        if lines:
            raise GdexpError("\n".join([*lines, "Not all of the space can be; nothing was begun."]))


def _combined(options: Sequence[Axis]) -> list[dict[str, str]]:
    """Combine options, all of them where they are not too many, else each with the first ones."""
    lists = [axis.values for axis in options]
    names = [axis.name for axis in options]
    whole = [*itertools.islice(itertools.product(*lists), MOST_COMBINED + 1)]
    if len(whole) <= MOST_COMBINED:
        return [dict(zip(names, each, strict=True)) for each in whole]
    first = {axis.name: axis.values[0] for axis in options}
    return [first, *({**first, axis.name: v} for axis in options for v in axis.values[1:])]


def _has(config: DictConfig, name: str) -> bool:
    """Say whether there is a setting."""
    node: object = config
    for part in name.split("."):
        if not isinstance(node, DictConfig) or part not in list(node.keys()):
            return False
        node = node._get_node(part)
    return True


def _pairs(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) or "all of them"
