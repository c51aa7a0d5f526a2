"""The launcher of ``hydra/launcher=local``."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn

from hydra_plugins.gdexp.ours import OurLauncher


class LocalLauncher(OurLauncher):
    """Carries jobs out in processes of this machine; see `gdexp.sweeps.local`.

    Parameters
    ----------
    **settings
        Those of `gdexp.sweeps.local.Settings`.
    """

    def check(self) -> None:
        """Refuse settings that cannot be."""
        from gdexp.sweeps import local  # every command imports this module

        self.local = local.Settings(**self.settings)

    def carry_out(self, loader: Any, words: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        """Carry out the jobs of a planned sweep."""
        from gdexp.sweeps import local

        return local.launch(self.local, loader, self.config, words)
