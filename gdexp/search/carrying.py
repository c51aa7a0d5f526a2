"""A search from its command line to its last trial."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict, read_write

from gdexp import signals
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.result import plural
from gdexp.search.finding import found, held, listed, signature
from gdexp.search.planning import SEED, Composing, SearchPlan
from gdexp.search.searching import Search
from gdexp.search.settings import Settings
from gdexp.search.space import Space, space_of
from gdexp.search.study import MOST_POINTS, Study, required
from gdexp.search.telling import conclusion, print_space
from gdexp.sweeps import local
from gdexp.sweeps.earlier import look
from gdexp.sweeps.job import Job
from gdexp.sweeps.performing import perform
from gdexp.sweeps.planning import STUDY
from gdexp.sweeps.pool import Pool
from gdexp.sweeps.watching import Watcher
from gdexp.terminal import near
from gdexp.tracking.jobs import FINE, JobState, settings_of


def carry_out(
    words: Sequence[str], settings: Settings, context: HydraContext, task: Any, master: DictConfig
) -> None:
    """Carry out a search.

    Parameters
    ----------
    words : sequence of str
        What was written on the command line.
    settings : Settings
    context : HydraContext
    task : Task
        As `gdexp.sweeps.sweeping` has it.
    master : DictConfig
        The configuration of the command.

    Raises
    ------
    GdexpError
        Where the search cannot be; nothing was begun then.
    """
    required()
    space = space_of(context.config_loader, words)
    _check(space, settings)
    folder = Path(str(master.hydra.sweep.dir)).absolute()
    composing = Composing(context.config_loader, master, folder, space)
    with signals.raised():
        request = composing.try_out()
    frozen: Any = composing.planner.frozen
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(frozen, context.callbacks), task_function=task, config=master
    )
    workers = _workers(launcher, settings)
    if settings.dry_run:
        print_space(space, settings)
        return
    outputs = Path(str(request.config["outputs"])).absolute()
    wanted = signature(space, settings, request)
    if settings.resume:
        composing.move(found(outputs, wanted))
    plan = _planned(_written(words, master), settings, composing, request)
    with held(plan.folder, outputs, wanted) as hold, signals.raised():
        search = _begun(replace(plan, hold=hold), composing, workers, task)
        if search is None:
            hold.let_go(remove=True)
            return
        _perform(search, launcher, workers, master)


def _planned(
    words: Sequence[str], settings: Settings, composing: Composing, request: Request
) -> SearchPlan:
    """Give the plan of a search; `request` is one of the runs that it may come to."""
    return SearchPlan(
        folder=composing.planner.frozen.folder,
        words=words,
        jobs=composing.planner.jobs,
        loader=composing.planner.frozen,
        space=composing.space,
        settings=settings,
        home=request.experiment.tracking,
        place=str(request.config["outputs"]),
    )


def _perform(search: Search, launcher: Any, workers: int, master: DictConfig) -> None:
    """Carry trials out until there are no more."""
    with read_write(master), open_dict(master):
        master.hydra.sweep.dir = str(search.plan.folder)  # which launchers make
    if isinstance(getattr(launcher, "local", None), local.Settings):
        _locally(search, workers, search.plan.loader)
    else:
        _by_launcher(search, launcher, search.plan.settings)


def _begun(plan: SearchPlan, composing: Composing, workers: int, task: Any) -> Search | None:
    """Begin to record a search, or go on with it; None where nothing is left of it."""
    settings = plan.settings
    record = None if settings.resume else task.begin(plan)
    search = Search(plan, Study(plan.folder, plan.space, settings, workers), composing)
    if record is None:
        told = _recalled(search)
        if search.over:
            print(f"{told}; nothing is left to be done. More: search.trials=N", file=sys.stderr)
            return None
        print(told, file=sys.stderr)
        record = task.begin(search.plan)
    search.record, record.conclude = record, partial(conclusion, search)
    return search


def _recalled(search: Search) -> str:
    """Take up a search where it was left; say how far it is."""
    plan = search.plan
    tracked = plan.tracking.uri is not None
    folders = {each["job"]: Path(each["folder"]) for each in listed(plan.folder)}
    search.plan = replace(plan, earlier=look(plan.folder, folders, tracked=tracked))
    search.recall(listed(plan.folder))
    of = plural(plan.settings.trials, "trial")
    return f"{near(plan.folder)}: {search.tried} of {of} begun before"


def _check(space: Space, settings: Settings) -> None:
    """Refuse what is no search."""
    named = [word for word in space.fixed if word.lstrip("+").startswith(f"{STUDY}=")]
    if named or any(axis.bare == STUDY for axis in space.axes):
        raise GdexpError("study: its grids are gone through, not searched. Leave sweeper= out.")
    if any(axis.bare == SEED for axis in space.axes):
        raise GdexpError(
            "seed: a search over seeds would only find the luckiest. "
            "Write search.seeds=3: what is promising is then run with three of them."
        )
    if settings.sampler == "grid" and space.size > MOST_POINTS:
        axis = next((axis for axis in space.axes if not axis.values), space.axes[0])
        raise GdexpError(
            f"search.sampler=grid: goes through at most {MOST_POINTS:,} points. "
            f"Got {axis.name}={axis.told}. Write some values, or take search.sampler=tpe."
        )


def _workers(launcher: Any, settings: Settings) -> int:
    """Say how many trials go at once."""
    if isinstance(of := getattr(launcher, "local", None), local.Settings):
        return min(of.count, settings.trials)
    if settings.prunes:
        raise GdexpError("search.pruner: only launcher=local ends runs. Take it, or prune none.")
    return settings.at_once


def _written(words: Sequence[str], master: DictConfig) -> list[str]:
    """Give the command line as it was written: what is Hydra's own stands apart there."""
    spelled = {"hydra.sweeper.search.": "search.", "hydra.sweeper.": "sweep.", "hydra/": ""}
    more = []
    for word in master.hydra.overrides.hydra:
        for theirs, ours in {**spelled, "hydra.launcher.": "launcher."}.items():
            if word.startswith(theirs):
                more.append(ours + word.removeprefix(theirs))
                break
    return [*more, *words]


class _Watcher(Watcher):
    """Follows jobs as they come, and tells the search what becomes of them."""

    def __init__(self, search: Search) -> None:
        settings = search.plan.settings
        total = settings.trials * settings.seeds
        standing = search.standing
        super().__init__(total - len(standing), fail_fast=settings.fail_fast, standing=standing)
        self.search = search
        search.tell = self.view.tell

    def asked(self, number: int, what: Any) -> str:
        """Say why a job is not to go on; empty where it is to."""
        return self.search.hopeless(number, *what)

    def ended(self, number: int, what: Any) -> bool:
        """Tell the search, too."""
        goes_on = super().ended(number, what)
        self.search.ended(self._states[number].now())
        return goes_on


def _locally(search: Search, workers: int, frozen: Any) -> None:
    """Have workers take a trial each as soon as they have none."""
    watcher = _Watcher(search)

    def more() -> tuple[int, bytes] | None:
        if (job := search.take()) is None:
            return None
        packed: bytes = frozen.request(job.words)
        watcher.expect(packed)
        return job.number, packed

    work = partial(perform, judged=search.plan.settings.prunes)
    with watcher.view:
        Pool(work, workers, watcher).run((), more)


def _by_launcher(search: Search, launcher: Any, settings: Settings) -> None:
    """Have a launcher of Hydra's carry some trials out, and then some more."""
    while jobs := _several(search, settings.at_once):
        returned = launcher.launch([list(job.words) for job in jobs], jobs[0].number)
        for each in returned:
            _ = each.return_value  # raises what a job was broken off by, if it was
        for job in jobs:
            state = JobState(job.number, job.folder, settings_of(job.words)).now()
            search.ended(state)
            if settings.fail_fast and state.status not in FINE:
                search.stop()
        print(f"{plural(search.tried, 'trial')} of {settings.trials}", file=sys.stderr, flush=True)


def _several(search: Search, count: int) -> list[Job]:
    found: list[Job] = []
    while len(found) < count and (job := search.take()) is not None:
        found.append(job)
    return found
