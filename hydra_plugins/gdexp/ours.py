"""What launchers of our own have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OurLauncher(Launcher, ABC):
    """Carries out the jobs of a planned sweep; of one that nobody planned, one after another here.

    Parameters
    ----------
    **settings
        Those of the launcher.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what the jobs are made of."""
        self.context, self.task, self.config = hydra_context, task_function, config
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse settings that cannot be."""

    @abstractmethod
    def carry_out(self, loader: Any, words: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        """Carry out the jobs of a planned sweep."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Carry out all jobs."""
        from gdexp.sweeps import Frozen  # every command imports this module

        loader: Any = self.context.config_loader
        if isinstance(loader, Frozen):
            return self.carry_out(loader, job_overrides)
        basic = BasicLauncher()
        basic.setup(hydra_context=self.context, task_function=self.task, config=self.config)
        return basic.launch(job_overrides, initial_job_idx)
