"""What can be set of ``launcher=dask``."""

import re
from dataclasses import dataclass

from gdexp.errors import GdexpError, SettingError, flag, one_of, whole
from gdexp.sweeps.watching import MOST_WORKERS

# Clusters that Dask's own packages start, each from its own files of settings.
CLUSTERS = {
    "slurm": ("dask-jobqueue", "dask_jobqueue", "SLURMCluster"),
    "pbs": ("dask-jobqueue", "dask_jobqueue", "PBSCluster"),
    "lsf": ("dask-jobqueue", "dask_jobqueue", "LSFCluster"),
    "kubernetes": ("dask-kubernetes", "dask_kubernetes.operator", "KubeCluster"),
}
ADDRESS = r"(tcp|tls|ws|wss)://(\[[\da-fA-F:.]+\]|[^:/@\s]+):\d+"


@dataclass(frozen=True)
class Settings:
    """The settings ``launcher.…`` of ``launcher=dask``.

    Parameters
    ----------
    address : str, optional
        Of the scheduler of a running cluster.
    cluster : str, optional
        A kind of cluster that is started for the sweep, one of `CLUSTERS`. Without either,
        processes of this machine are the cluster.
    workers : int, optional
        How many of them are started; None, on this machine: as many as there are cores.
    ship_data : bool
        Whether examples that are read from files go to the workers over the cluster's connections.
    tries : int
        How often a job is begun, at most, where its worker is lost.

    Raises
    ------
    GdexpError
        Where a value is not allowed, or two contradict each other.
    """

    address: str | None = None
    cluster: str | None = None
    workers: int | None = None
    ship_data: bool = True
    tries: int = 3

    def __post_init__(self) -> None:
        flag("launcher.ship_data", self.ship_data)
        whole("launcher.tries", self.tries, 1, "3")
        if self.workers is not None:
            whole("launcher.workers", self.workers, 1, "2")
            if self.workers > MOST_WORKERS and self.cluster is None:
                told = f"launcher.workers must be at most {MOST_WORKERS} on one machine."
                raise GdexpError(f"{told} Got {self.workers}. As many as there are cores do best.")
        if self.address is not None:
            self._check_address()
        if self.cluster is not None:
            one_of("launcher.cluster", self.cluster, CLUSTERS)
            if self.workers is None:
                advice = f"launcher.cluster={self.cluster} starts as many."
                raise SettingError("launcher.workers", "a whole number", None, "20", advice)

    def _check_address(self) -> None:
        if not isinstance(self.address, str) or not re.fullmatch(ADDRESS, self.address):
            example = "tcp://192.168.0.1:8786"
            raise SettingError("launcher.address", "tcp://HOST:PORT", self.address, example)
        for name in ("cluster", "workers"):
            if getattr(self, name) is not None:
                raise GdexpError(
                    f"launcher.{name}: a running cluster has its own workers. "
                    f"Leave it out, or leave launcher.address out."
                )
