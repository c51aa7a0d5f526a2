"""The cluster that jobs go to: a running one, one that is started for them, or this machine."""

import importlib
import logging
import warnings
from contextlib import ExitStack, suppress
from typing import Any

from gdexp.cluster.settings import CLUSTERS, Settings
from gdexp.errors import GdexpError
from gdexp.sweeps.watching import cores

PATIENCE = 20  # seconds that a running cluster has to answer
LEAVING = 10  # seconds to say goodbye to it
STARTING = 120  # and one that is started here, on a busy machine
QUIET = ("distributed", "tornado", "asyncio")  # what they say of a lost worker, we say
# A job whose worker is lost comes back to us, and goes on; Dask would begin it anew by itself, and
# with it those that only waited there. On a running cluster its own settings hold.
CONFIG = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
}


class Connection:
    """A cluster, reached.

    Parameters
    ----------
    settings : Settings
    jobs : int
        More workers than that are not started.

    Raises
    ------
    GdexpError
        Where there is none: not installed, no answer, or it does not start.
    """

    def __init__(self, settings: Settings, jobs: int) -> None:
        self.where = settings.address or settings.cluster or "this machine"
        try:
            import dask
            import distributed
        except ModuleNotFoundError:
            told = "launcher=dask: needs Dask, which is not installed."
            raise GdexpError(f"{told} Write pip install 'gdexp[dask]'") from None
        _hush()
        self._stack = ExitStack()
        with ExitStack() as opening:
            opening.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # of versions that differ: see `working`
            self._stack.enter_context(dask.config.set(CONFIG))
            self.client: distributed.Client = self._client(settings, jobs)

    def _client(self, settings: Settings, jobs: int) -> Any:
        import distributed

        try:
            if settings.address is not None:
                target, patience = settings.address, PATIENCE
            else:
                target, patience = self._start(settings, jobs), STARTING
            client = distributed.Client(target, timeout=patience, set_as_default=False)
        except GdexpError:
            raise
        except Exception as error:  # of any kind, where something else than Dask answers
            self.close()
            raise GdexpError(_told(settings, error)) from None
        except BaseException:
            self.close()
            raise
        self._stack.callback(client.close, timeout=LEAVING)
        return client

    def _start(self, settings: Settings, jobs: int) -> Any:
        """Start a cluster, which ends with the command."""
        if settings.cluster is not None:
            cluster = self._stack.enter_context(_kind(settings.cluster)())
            cluster.scale(min(settings.workers or 1, jobs))
            cluster.sync(_asked_for, cluster, callback_timeout=STARTING)
            return cluster
        from distributed import LocalCluster

        return self._stack.enter_context(
            LocalCluster(
                n_workers=min(settings.workers or cores(), jobs),
                threads_per_worker=1,
                memory_limit=None,
                dashboard_address=None,
                security=True,  # others on this machine could have it do anything
                silence_logs=logging.CRITICAL,
            )
        )

    @property
    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self.client.status == "running")

    @property
    def workers(self) -> int:
        """How many workers there are, as the scheduler said it lately."""
        return int(self.client.scheduler_info(n_workers=0)["n_workers"])

    def close(self) -> None:
        """Leave the cluster, in whatever state it is; one that was started ends."""
        with suppress(Exception):
            self._stack.close()


def _kind(name: str) -> Any:
    package, module, kind = CLUSTERS[name]
    try:
        return getattr(importlib.import_module(module), kind)
    except ModuleNotFoundError:
        told = f"launcher.cluster={name}: needs {package}, which is not installed."
        raise GdexpError(f"{told} Write pip install {package}") from None


async def _asked_for(cluster: Any) -> None:
    """Wait until all workers are asked for; where a queue refuses one, ask again for its words."""
    from distributed.core import Status
    from distributed.deploy.spec import SpecCluster

    if not isinstance(cluster, SpecCluster):
        return
    await cluster
    refused = [each for each in cluster.workers.values() if each.status == Status.created]
    for worker in refused:  # which Dask has let pass, and would not close
        worker.status = Status.failed
    for worker in refused:
        await worker.start()


def _told(settings: Settings, error: Exception) -> str:
    said = str(error).rpartition("stderr:")[2].split()  # what a queue's own command says
    why = " ".join(said or str(error).split())[:200] or type(error).__name__
    if settings.address is not None:
        return (
            f"launcher.address: no Dask scheduler answers at {settings.address} "
            f"within {PATIENCE} s. Start one (dask scheduler), or name another."
        )
    if settings.cluster is not None:
        return (
            f"launcher.cluster={settings.cluster}: it does not start ({why}). "
            "Its settings are Dask's own: docs/scaling.md names their files."
        )
    return f"launcher=dask: no cluster starts on this machine ({why}). launcher=local needs none."


def _hush() -> None:
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
        for known in list(logging.root.manager.loggerDict):
            if known.startswith(f"{name}."):
                logging.getLogger(known).setLevel(logging.CRITICAL)
