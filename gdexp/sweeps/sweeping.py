"""A sweep from its command line to its last job; a launcher of Hydra's, or another, runs them."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict, read_write

from gdexp import signals
from gdexp.errors import GdexpError
from gdexp.result import plural
from gdexp.sweeps import claims, kept
from gdexp.sweeps.job import Job
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.planning import plan
from gdexp.sweeps.record import SweepRecord
from gdexp.sweeps.resuming import begun, left, taken_up, withdraw
from gdexp.sweeps.settings import Settings
from gdexp.terminal import near, print_plan


class Task(Protocol):
    """What is done for each job, and is told of the sweep before the first one."""

    left: Path | None  # the folder of a sweep that is to be gone on with, where one is named

    def expect(self, job: Job) -> None:
        """Make ready for a sweep of which this is the first job, while the others are planned."""

    def begin(self, plan: Plan) -> SweepRecord:
        """Begin to record a sweep."""

    def __call__(self, config: DictConfig) -> Any:
        """Carry out a job."""


def carry_out(
    words: Sequence[str], settings: Settings, context: HydraContext, task: Any, master: DictConfig
) -> list[Any]:
    """Carry out a sweep.

    Parameters
    ----------
    words : sequence of str
        What was written on the command line.
    settings : Settings
    context : HydraContext
    task : Task
    master : DictConfig
        The configuration of the command.

    Returns
    -------
    list
        What the launcher gives for each job.

    Raises
    ------
    GdexpError
        Where jobs cannot be; none was begun then.
    """
    began = time.perf_counter()
    with signals.raised():
        first = (lambda job: None) if settings.dry_run else task.expect
        planned = _planned(words, context.config_loader, task.left, master, first)
    seconds = time.perf_counter() - began
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(planned.loader, context.callbacks),  # type: ignore[arg-type]
        task_function=task,
        config=master,
    )
    _show(planned, seconds, dry=settings.dry_run)
    if settings.dry_run:
        if settings.resume:
            there = left(planned, settings, task.left or claims.left(planned))
            print(_standing(there), file=sys.stderr)
        return []
    with signals.raised():
        held = taken_up(planned, settings, task.left) if settings.resume else begun(planned)
        return _launched(held, launcher, task, master)


def _show(planned: Plan, seconds: float, *, dry: bool) -> None:
    """Tell what is planned, with a table of it where that is all that is asked for."""
    if dry:
        print_plan(planned.axes, [(job.number, job.settings) for job in planned.jobs])
    for double, number in planned.doubles:
        print(f"{' '.join(double)}: is the same as job {number}, and runs once", file=sys.stderr)
    print(f"{plural(len(planned.jobs), 'job')} planned in {seconds:.1f} s", file=sys.stderr)


def _planned(
    words: Sequence[str],
    loader: ConfigLoader,
    folder: Path | None,
    master: DictConfig,
    first: Callable[[Job], object],
) -> Plan:
    """Give the plan: of the command line, or that of a sweep whose folder is named."""
    if folder is None:
        return plan(loader, master, words, first)
    named = any(word.startswith("tracking.uri=") for word in words)
    return kept.read(folder, loader, master, named=named)


def _launched(plan: Plan, launcher: Launcher, task: Any, master: DictConfig) -> list[Any]:
    """Hand the jobs that are due to the launcher."""
    try:
        if plan.earlier is not None:
            print(_standing(plan), file=sys.stderr)
            if not plan.due and plan.earlier.complete:
                return _nothing(plan)
        if plan.due and hasattr(launcher, "connect"):
            launcher.connect(
                len(plan.due)
            )  # what is wrong there is told before anything is recorded
        task.begin(plan)
    except BaseException:
        withdraw(plan)
        raise
    with read_write(master), open_dict(master):
        master.hydra.sweep.dir = str(plan.folder)  # which launchers make
    jobs = [list(job.words) for job in plan.due]
    returned = launcher.launch(jobs, initial_job_idx=0) if jobs else []
    for each in returned:
        _ = each.return_value  # raises what a job was broken off by, if it was
    return list(returned)


def _standing(plan: Plan) -> str:
    """Say what is left of a sweep."""
    earlier = plan.earlier
    told = earlier.told() if earlier else f"{plural(len(plan.jobs), 'job')}, none of them begun"
    return f"{near(plan.folder)}: {told}"


def _nothing(plan: Plan) -> list[Any]:
    """Say that a sweep has come to its end."""
    assert plan.earlier is not None
    if plan.earlier.failed:
        raise GdexpError(
            f"{plural(len(plan.earlier.failed), 'job')} failed, and nothing else is left. "
            "Run those again with sweep.retry_failed=true (python -m gdexp resume: --retry-failed)."
        )
    withdraw(plan)
    print("nothing is left to be done", file=sys.stderr)
    return []
