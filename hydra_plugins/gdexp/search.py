"""The sweeper of ``hydra/sweeper=optuna``."""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Searches ranges, each trial with what those before it came to; see `gdexp.search`.

    Parameters
    ----------
    search : mapping
        The settings ``search.…``.
    **settings
        The settings ``sweep.…``; see `gdexp.search.Settings` for both.
    """

    def __init__(self, search: DictConfig, **settings: Any) -> None:
        self.settings: dict[str, Any] = {str(name): search[name] for name in search} | settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what a search is made of."""
        self.context, self.task, self.master = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> None:
        """Search the ranges that were written on the command line."""
        from omegaconf import ListConfig

        from gdexp.search import Settings, carry_out  # every command imports this module

        plain: dict[str, Any] = {
            name: [*value] if isinstance(value, ListConfig) else value
            for name, value in self.settings.items()
        }
        carry_out(arguments, Settings(**plain), self.context, self.task, self.master)
