"""The launcher of ``hydra/launcher=dask``."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn

from hydra_plugins.gdexp.ours import OurLauncher


class DaskLauncher(OurLauncher):
    """Carries jobs out on the workers of a Dask cluster; see `gdexp.cluster`.

    Parameters
    ----------
    **settings
        Those of `gdexp.cluster.settings.Settings`.
    """

    connection: Any = None

    def check(self) -> None:
        """Refuse settings that cannot be."""
        from gdexp.cluster.settings import Settings  # every command imports this module

        self.cluster = Settings(**self.settings)

    def connect(self, jobs: int) -> None:
        """Reach the cluster, before so many jobs are recorded that would have nowhere to go."""
        from gdexp.cluster.connection import Connection

        self.connection = Connection(self.cluster, jobs)

    def carry_out(self, loader: Any, words: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        """Carry out the jobs of a planned sweep."""
        if self.connection is None:
            self.connect(len(words))
        from gdexp.cluster.launching import launch

        try:
            return launch(self.connection, self.cluster, loader, self.config, words)
        finally:
            self.connection.close()
            self.connection = None
