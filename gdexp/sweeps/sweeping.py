"""A sweep from its command line to its last job; a launcher of Hydra's, or another, runs them."""

import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from gdexp import signals
from gdexp.result import plural
from gdexp.sweeps.planning import Plan, plan
from gdexp.sweeps.settings import Settings
from gdexp.terminal import print_plan


class Task(Protocol):
    """What is done for each job, and is told of the sweep before the first one."""

    def begin(self, plan: Plan) -> None:
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
        planned = plan(context.config_loader, master, words)
    seconds = time.perf_counter() - began
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(planned.loader, context.callbacks),  # type: ignore[arg-type]
        task_function=task,
        config=master,
    )
    if settings.dry_run:
        print_plan(planned.axes, [(job.number, job.settings) for job in planned.jobs])
    for double, number in planned.doubles:
        print(f"{' '.join(double)}: is the same as job {number}, and runs once", file=sys.stderr)
    print(f"{plural(len(planned.jobs), 'job')} planned in {seconds:.1f} s", file=sys.stderr)
    if settings.dry_run:
        return []
    if hasattr(launcher, "connect"):  # what is wrong there is told before the sweep is recorded
        with signals.raised():
            launcher.connect(len(planned.jobs))
    task.begin(planned)
    with signals.raised():
        jobs = [list(job.words) for job in planned.jobs]
        returned = launcher.launch(jobs, initial_job_idx=0)
    for each in returned:
        _ = each.return_value  # raises what a job was broken off by, if it was
    return list(returned)
