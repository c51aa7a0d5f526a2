"""The sweeper of ``hydra/sweeper=planned``."""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class PlannedSweeper(Sweeper):
    """Composes and validates all jobs before the first one trains; see `gdexp.sweeps`.

    Parameters
    ----------
    **settings
        Those of `gdexp.sweeps.Settings`.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what a sweep is made of."""
        self.context, self.task, self.master = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        """Carry out a sweep over what was written on the command line."""
        from gdexp.sweeps import Settings, carry_out  # every command imports this module

        return carry_out(arguments, Settings(**self.settings), self.context, self.task, self.master)
