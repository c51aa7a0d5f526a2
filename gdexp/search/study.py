"""The study of a search: Optuna's, in a file beside the runs. Only this module knows Optuna."""

import itertools
import json
import logging
import math
import os
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from gdexp.errors import GdexpError
from gdexp.search.settings import Settings
from gdexp.search.space import Axis, Space

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

NAME = "study.log"  # of Optuna's storage in the sweep's folder
MOST_POINTS = 10_000  # of a grid
FEW = 8  # trials, from which nothing is to be said about the others
# What is noted with a trial: its jobs; or the job whose run it would have repeated.
JOBS, SAME = "jobs", "same_as_job"


class Asked:
    """A trial that was asked for.

    Parameters
    ----------
    study : Study
    trial : Trial
        Optuna's.
    """

    def __init__(self, study: "Study", trial: "Trial") -> None:
        self._study, self._trial = study, trial
        self.number: int = trial.number

    def value(self, axis: Axis) -> str:
        """Give the value of an axis, as it is written.

        What is drawn depends on the search's seed, the trial and the axis, and on the trials
        before: so a search that goes on after an interruption is the one that it would have been.
        """
        self._study.draw_from(self.number, axis.bare)
        with _quiet():
            return axis.suggest(self._trial)

    def hopeless(self, step: int, value: float) -> bool:
        """Note what was reached after a step; say whether to give it up."""
        with _quiet():
            self._trial.report(value, step)
            return bool(self._trial.should_prune())

    def note(self, name: str, value: Any) -> None:
        """Keep something with the trial, for whoever reads the study."""
        self._trial.set_user_attr(name, value)

    def tell(self, values: Sequence[float]) -> None:
        """Say what came of it."""
        self._study.tell(self.number, [*values])

    def tell_pruned(self) -> None:
        """Say that it was given up."""
        self._study.tell(self.number, None, "PRUNED")

    def tell_failed(self) -> None:
        """Say that nothing came of it."""
        self._study.tell(self.number, None, "FAIL")


class Study:
    """The trials of a search, and who draws the next ones.

    Parameters
    ----------
    folder : Path
        The sweep's own; a study that is there already is gone on with.
    space : Space
    settings : Settings
    workers : int
        Trials that go at once.

    Raises
    ------
    GdexpError
        Where Optuna, or what a sampler needs, is not installed; or the study cannot be read.
    """

    def __init__(self, folder: Path, space: Space, settings: Settings, workers: int) -> None:
        self._optuna = required()
        self._settings, self._workers = settings, workers
        self._new: list[FrozenTrial] = []
        new = not (folder / NAME).exists()
        with _quiet():
            self._study: OptunaStudy = self._optuna.create_study(
                storage=_storage(folder / NAME),
                sampler=self._sampler(0, ""),
                pruner=self._pruner(),
                study_name=folder.name,
                directions=[
                    "maximize" if each.maximize else "minimize" for each in settings.objectives
                ],
                load_if_exists=True,
            )
            if new and settings.sampler == "grid":
                self._enqueue(space)

    def ask(self) -> Asked | None:
        """Ask for a trial; None where a grid has been gone through."""
        number = len(self._study.get_trials(deepcopy=False))
        waiting = self._trials("WAITING")
        if self._settings.sampler == "grid" and not waiting:
            return None
        self.draw_from(waiting[0].number if waiting else number, "")
        with _quiet():
            return Asked(self, self._study.ask())

    def running(self) -> dict[int, Asked]:
        """Give the trials that were begun, and of which nothing came yet, by number."""
        trial = self._optuna.trial.Trial
        return {
            each.number: Asked(self, trial(self._study, each._trial_id))
            for each in self._trials("RUNNING")
        }

    @property
    def tried(self) -> int:
        """How many trials have been asked for something new."""
        waiting = self._trials("WAITING")
        same = sum(SAME in each.user_attrs for each in self._trials("FAIL"))
        return len(self._study.get_trials(deepcopy=False)) - len(waiting) - same

    def draw_from(self, number: int, name: str) -> None:
        """Begin random numbers anew: those of a trial, and of a setting of it."""
        self._study.sampler = self._sampler(number, name)

    def tell(self, number: int, values: list[float] | None, state: str = "COMPLETE") -> None:
        """Say what came of a trial."""
        self.draw_from(number, "end")
        told = getattr(self._optuna.trial.TrialState, state)
        with _quiet():
            self._study.tell(number, values, state=told)

    def best(self) -> list[int]:
        """Give the numbers of the best trials: of several objectives, those that none excels."""
        if not self._trials("COMPLETE"):
            return []
        if len(self._settings.objectives) > 1:
            return [each.number for each in self._study.best_trials]
        return [self._study.best_trial.number]

    def values(self, number: int) -> list[float]:
        """Give what a trial reached."""
        return [*self._study.get_trials(deepcopy=False)[number].values]

    def importances(self) -> dict[str, float]:
        """Say how much of what was reached each setting explains; empty where that is unknown."""
        if len(self._settings.objectives) > 1 or len(self._trials("COMPLETE")) < FEW:
            return {}
        evaluator = self._optuna.importance.PedAnovaImportanceEvaluator()
        try:
            with _quiet():
                found: Mapping[str, float] = self._optuna.importance.get_param_importances(
                    self._study, evaluator=evaluator
                )
        except (ValueError, RuntimeError):  # all reached the same, or conditions leave too few
            return {}
        return {name: share for name, share in found.items() if math.isfinite(share)}

    def counts(self) -> dict[str, int]:
        """Count the trials by their states, but those that asked for what was run before."""
        trials = self._study.get_trials(deepcopy=False)
        told = [each.state.name for each in trials if SAME not in each.user_attrs]
        return {state: told.count(state) for state in sorted(set(told))}

    def _trials(self, state: str) -> "list[FrozenTrial]":
        states = (getattr(self._optuna.trial.TrialState, state),)
        return self._study.get_trials(deepcopy=False, states=states)

    def _sampler(self, number: int, name: str) -> Any:
        samplers = self._optuna.samplers
        seed = zlib.crc32(f"{self._settings.seed} {number} {name}".encode())
        if self._settings.sampler == "tpe":
            return samplers.TPESampler(seed=seed, constant_liar=self._workers > 1)
        if self._settings.sampler == "cmaes":
            _require("cmaes", "search.sampler=cmaes")
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        return samplers.RandomSampler(seed=seed)

    def _pruner(self) -> Any:
        pruners, settings = self._optuna.pruners, self._settings
        if settings.seeds > 1:
            return pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
        if settings.pruner == "median":
            return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=settings.warmup)
        if settings.pruner == "halving":
            return pruners.SuccessiveHalvingPruner(min_resource=settings.warmup, reduction_factor=2)
        return pruners.NopPruner()

    def _enqueue(self, space: Space) -> None:
        """Have a grid gone through, in an order in which its parts come about equally often."""
        points = [*itertools.product(*(axis.values for axis in space.axes))]
        random.Random(self._settings.seed).shuffle(points)
        for point in points:
            named = zip(space.axes, point, strict=True)
            self._study.enqueue_trial({axis.bare: _stored(axis, word) for axis, word in named})


def _stored(axis: Axis, word: str) -> Any:
    """Give a value as Optuna keeps it."""
    if not axis.ordered:
        return word
    return int(word) if axis.whole else float(word)


def required() -> ModuleType:
    """Give Optuna.

    Raises
    ------
    GdexpError
        Where it is not installed.
    """
    _require("optuna", "sweeper=optuna")
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    return optuna


def _require(package: str, setting: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise GdexpError(
            f"{setting}: needs {package}, which is not installed. "
            "Write pip install 'gdexp[optuna]', or pip install "
            f"{package} beside a checkout."
        )


def _storage(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    class Backend(JournalFileBackend):
        """Writes without a lock of its own, since the sweep's folder is held by one command.

        What the system was handed outlives the process; the disk is not waited for.
        """

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in logs)
            with Path(self._file_path).open("ab") as file:
                file.write(lines.encode())

    if path.exists():  # what a power cut left of the last line is no line
        whole = path.read_bytes()
        os.truncate(path, whole.rfind(b"\n") + 1)
    return JournalStorage(Backend(str(path)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out Optuna's remarks that something is experimental."""
    with catch_warnings():
        simplefilter("ignore")
        yield
