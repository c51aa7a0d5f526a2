"""The launcher of ``hydra/launcher=local``."""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
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
        """Take what the jobs are made of; settings that cannot be are refused."""
        from gdexp.sweeps import local  # every command imports this module

        self.context, self.task, self.config = hydra_context, task_function, config
        self.local = local.Settings(**self.settings)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Carry out all jobs; of a sweeper that plans nothing, in this process."""
        from gdexp.sweeps import Frozen, local

        loader: Any = self.context.config_loader
        if isinstance(loader, Frozen):
            return local.launch(self.local, loader, self.config, job_overrides)
        basic = BasicLauncher()
        basic.setup(hydra_context=self.context, task_function=self.task, config=self.config)
        return basic.launch(job_overrides, initial_job_idx)
