"""The launcher of ``hydra/launcher=local``."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LocalLauncher(Launcher):
    """Carries jobs out in processes of this machine; see `gdexp.sweeps.local`.

    Parameters
    ----------
    **settings
        Those of `gdexp.sweeps.local.Settings`.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what the jobs are made of."""
        self.context, self.task, self.config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Carry out all jobs."""
        from gdexp.sweeps.local import Settings, launch  # every command imports this module

        return launch(Settings(**self.settings), self.context, self.config, job_overrides)
