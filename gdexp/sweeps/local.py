"""The launcher for one machine: jobs in several processes, one view of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from gdexp.errors import GdexpError, whole
from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.performing import perform
from gdexp.sweeps.pool import Pool
from gdexp.sweeps.watching import MOST_WORKERS, cores, watching


@dataclass(frozen=True)
class Settings:
    """The settings ``launcher.…`` of ``launcher=local``.

    Parameters
    ----------
    workers : int, optional
        How many jobs go at once; None for as many as there are cores.

    Raises
    ------
    SettingError
        Where that is no number of workers.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            whole("launcher.workers", self.workers, 1, "2")
            if self.workers > MOST_WORKERS:
                told = f"launcher.workers must be at most {MOST_WORKERS}. Got {self.workers}."
                raise GdexpError(f"{told} As many as there are cores do best.")

    @property
    def count(self) -> int:
        """How many workers there are, where there are jobs enough."""
        return self.workers or cores()


def launch(
    settings: Settings, loader: Frozen, config: DictConfig, words: Sequence[Sequence[str]]
) -> list[JobReturn]:
    """Carry out jobs of a planned sweep.

    Parameters
    ----------
    settings : Settings
    loader : Frozen
        Has what the jobs ask for.
    config : DictConfig
        The configuration of the command.
    words : sequence of sequence of str
        The overrides of each job.

    Returns
    -------
    list of JobReturn
        For each job what a sweeper is to maximise; NaN where it failed, or did not begin.
    """
    watcher = watching(loader, config, words)
    with watcher.view:
        Pool(perform, min(settings.count, len(words)), watcher).run(watcher.packed.items())
    return watcher.returned(words)
