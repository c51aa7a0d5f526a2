"""Plans the jobs of a sweep, one after another: each is composed and validated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from gdexp import compose, naming
from gdexp.complain import complaint
from gdexp.errors import GdexpError
from gdexp.fitting import check
from gdexp.request import Request
from gdexp.sweeps.composer import Composer
from gdexp.sweeps.frozen import Frozen, task_of
from gdexp.sweeps.grids import Words
from gdexp.sweeps.job import Job, job_of, varying
from gdexp.tracking.settings import masked

MISTAKES = (GdexpError, OSError, HydraException, OmegaConfBaseException)


class Planner:
    """Takes one job after another, and what is wrong with them.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's.
    master : DictConfig
        The configuration of the command, before any job.
    folder : Path
        The sweep's own.
    varied : iterable of str
        The settings that tell jobs apart.
    """

    def __init__(
        self, loader: ConfigLoader, master: DictConfig, folder: Path, varied: Iterable[str]
    ) -> None:
        self.jobs: list[Job] = []
        self.doubles: list[tuple[Words, int]] = []
        self.frozen = Frozen(loader, folder)
        self.composer, self._folder, self._varied = Composer(loader, master), folder, varied
        self._mistakes: dict[str, list[tuple[int, Words]]] = {}
        self._variants: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._asked = 0
        self._special = naming.Special()

    def add(self, words: Words) -> None:
        """Plan a job, or keep what is wrong with it."""
        number, self._asked = self._asked, self._asked + 1
        try:
            config, request = self.compose(words)
        except MISTAKES as error:
            self._mistakes.setdefault(complaint(error, words), []).append((number, words))
            return
        same = self._known.setdefault(request.key, len(self.jobs))
        if same < len(self.jobs):
            self.doubles.append((words, same))
            return
        self.take(words, config, request)

    def move(self, folder: Path) -> None:
        """Have the next jobs in another folder."""
        self._folder = self.frozen.folder = folder

    def recall(self, job: Job) -> None:
        """Take a job of a command before this one, so that the next ones are told from it."""
        self._variants.setdefault(job.group_key, len(self._variants))
        self.jobs.append(job)

    def again(self, job: Job, words: Words, tags: Mapping[str, str]) -> None:
        """Fix once more what a job asks for, which has begun, and is to be gone on with."""
        _, request = self.compose(words)
        variant = self._variants[job.group_key]
        varies = [*map(masked, varying(words, self._varied))]
        told = replace(request, variant=variant, varies=varies, tags=tags)
        place = replace(told, output=job.folder, job=job.number, goes_on=True)
        self.frozen.keep_request(words, place)

    def take(self, words: Words, config: DictConfig, request: Request) -> Job:
        """Take a job that can be, and fix what it asks for."""
        variant = self._variants.setdefault(request.group_key, len(self._variants))
        varies = varying(words, self._varied)
        note = {"variant": variant, "varies": varies, "special": list(request.special)}
        self.frozen.keep(words, config, note)
        planned = replace(request, variant=variant, varies=[*map(masked, varies)])
        self.frozen.keep_request(words, planned)
        self.jobs.append(job_of(len(self.jobs), words, request, str(config.outputs)))
        return self.jobs[-1]

    def compose(self, words: Words) -> tuple[DictConfig, Request]:
        """Compose the next job as Hydra's launchers do, and give the run that it asks for.

        Raises
        ------
        GdexpError, OSError, HydraException, OmegaConfBaseException
            Where it cannot be.
        """
        config = self.composer.config(words)
        hydra = config.hydra
        with read_write(hydra), open_dict(hydra):
            hydra.job.num = hydra.job.id = len(self.jobs)
            hydra.sweep.dir = str(self._folder)
            # As it is: set_config would copy it, which takes longer than all the rest.
            HydraConfig.instance().cfg = config  # type: ignore[assignment]
            hydra.runtime.output_dir = str(self._folder / str(hydra.sweep.subdir))
        request = compose.request(task_of(config), self._special)
        check(request.experiment, request.output)
        return config, replace(request, sweep="_".join(self._folder.parts[-2:]))

    def refuse(self) -> None:
        """Tell what is wrong, all of it."""
        if self._mistakes:
            raise GdexpError(_told(self._mistakes, self._asked, self._varied))
        _check_places(self.jobs)


def _told(
    mistakes: Mapping[str, Sequence[tuple[int, Words]]], count: int, varied: Iterable[str]
) -> str:
    """Tell what is wrong, and with which jobs; the same mistake of several is told once."""
    lines = []
    for mistake, jobs in mistakes.items():
        told = [f"job {n} ({' '.join(varying(words, varied) or words)})" for n, words in jobs]
        several = [mistake, *(f"  {each}" for each in told)]
        lines += [f"{told[0]}: {mistake}"] if len(told) == 1 else several
    wrong = sum(map(len, mistakes.values()))
    if count > 1:
        lines.append(f"{wrong} of {count} jobs cannot be, and none was begun.")
    return "\n".join(lines)


def _check_places(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would be told in different places: a sweep is one thing."""
    for name, places in (
        ("outputs", {job.outputs for job in jobs}),
        ("tracking", {job.tracking for job in jobs}),
    ):
        if len(places) > 1:
            raise GdexpError(
                f"{name}: all jobs of a sweep go to one place. Got {len(places)}. "
                "Make a sweep for each."
            )
