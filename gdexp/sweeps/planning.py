"""All jobs of a sweep, composed and validated before the first one trains."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from gdexp import compose, naming
from gdexp.complain import complaint
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.sweeps.composer import Composer
from gdexp.sweeps.earlier import Earlier
from gdexp.sweeps.frozen import Frozen, task_of
from gdexp.sweeps.grids import Words, expand
from gdexp.sweeps.settings import Study
from gdexp.terminal import near
from gdexp.tracking import Tracking
from gdexp.tracking.hold import Hold
from gdexp.tracking.jobs import JobState, settings_of
from gdexp.tracking.settings import masked
from gdexp.training import check

STUDY = "study"
MISTAKES = (GdexpError, OSError, HydraException, OmegaConfBaseException)


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Parameters
    ----------
    number : int
        Its place in the sweep, and the name of its folder there.
    words : tuple of str
        Its overrides.
    folder : Path
    key, config_hash, group_key : str
        What is computed and looked at; what is computed; the same but for the seed.
    data : str
        Digest of the data that it learns from.
    tracking : Tracking
    outputs : str
        Where it is told.
    """

    number: int
    words: Words
    folder: Path
    key: str
    config_hash: str
    group_key: str
    data: str
    tracking: Tracking
    outputs: str

    @property
    def settings(self) -> dict[str, str]:
        """What the overrides set, by name."""
        return settings_of(self.words)


@dataclass(frozen=True)
class Plan:
    """The jobs of a sweep.

    Parameters
    ----------
    folder : Path
        The sweep's own.
    words : sequence of str
        What was written on the command line.
    jobs : sequence of Job
    loader : Frozen
        Gives their configurations.
    study : Study, optional
    name : str
        The study's.
    doubles : mapping of tuple of str to int
        Overrides that ask for what another job computes, and that job's number.
    launcher : sequence of str
        What was written of the launcher, in Hydra's grammar.
    earlier : Earlier, optional
        What commands before this one left of the sweep, where it is gone on with.
    hold : Hold, optional
        On its folder, where it is carried out.
    """

    folder: Path
    words: Sequence[str]
    jobs: Sequence[Job]
    loader: Frozen
    study: Study | None = None
    name: str = ""
    doubles: Sequence[tuple[Words, int]] = field(default_factory=list)
    launcher: Sequence[str] = ()
    earlier: Earlier | None = None
    hold: Hold | None = None

    retries = True  # whether jobs that failed can be run again

    @property
    def tags(self) -> dict[str, str]:
        """What it is tagged with beyond what all sweeps are."""
        return {}

    @property
    def id(self) -> str:
        """The tag that groups the sweep's runs: its date and time."""
        return "_".join(self.folder.parts[-2:])

    @property
    def title(self) -> str:
        """The name of the sweep's own run."""
        over = f"study {self.name}" if self.name else f"sweep of {', '.join(self.axes) or 'one'}"
        return f"{over} ({len(self.jobs)} jobs)"

    @property
    def tracking(self) -> Tracking:
        """Where its runs are told."""
        return self.jobs[0].tracking

    @property
    def outputs(self) -> str:
        """The folder of all runs."""
        return self.jobs[0].outputs

    @property
    def params(self) -> dict[str, str]:
        """What MLflow shows of it."""
        return {"study": self.name} if self.name else {}

    def carried_out(self, states: Sequence[JobState]) -> str:
        """Say what was done of it now, and what before."""
        return "" if self.earlier is None else self.earlier.carried_out(states)

    @property
    def resuming(self) -> list[str]:
        """What to write after ``python -m gdexp`` to go on with it."""
        return ["resume", near(self.folder)]

    @property
    def due(self) -> list[Job]:
        """The jobs that are to be carried out now."""
        if self.earlier is None:
            return [*self.jobs]
        return [job for job in self.jobs if job.number in self.earlier.due]

    @cached_property
    def axes(self) -> dict[str, list[str]]:
        """What varies from job to job: by name, the values in the order of their coming."""
        return axes_of([job.words for job in self.jobs])


def plan(
    loader: ConfigLoader,
    master: DictConfig,
    words: Sequence[str],
    first: Callable[[Job], object] = lambda job: None,
) -> Plan:
    """Compose and validate every job that a command line asks for.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's.
    master : DictConfig
        The configuration of the command, before any job.
    words : sequence of str
        Its overrides.
    first : callable
        Is told the first job, before the others are planned.

    Raises
    ------
    GdexpError
        Where jobs cannot be: each is told, with its overrides, in a line of its own.
    """
    named = [word for word in words if _name(word) == STUDY]
    if len(named) > 1 or any("," in word or "(" in word for word in named):
        raise GdexpError(f"{' '.join(named)}: one study at a time. Write +study=NAME.")
    study = _study(master) if named else None
    rest = [word for word in words if word not in named]
    parser = OverridesParser.create(config_loader=loader)
    asked = expand(parser, rest, study.whole if study else ())
    folder = Path(str(master.hydra.sweep.dir)).absolute()
    planner = Planner(loader, master, folder, axes_of(asked))
    for job in asked:
        none = not planner.jobs
        planner.add(job)
        if none and planner.jobs:
            first(planner.jobs[0])
    planner.refuse()
    name = named[0].partition("=")[2] if named else ""
    launcher = [word for word in master.hydra.overrides.hydra if "launcher" in _name(word)]
    return Plan(
        *(folder, words, planner.jobs, planner.frozen, study, name, planner.doubles), launcher
    )


def _study(master: DictConfig) -> Study:
    node = OmegaConf.to_container(master[STUDY], resolve=True)
    assert isinstance(node, dict)
    return Study.of({str(name): value for name, value in node.items()})


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


def job_of(number: int, words: Words, request: Request, outputs: str) -> Job:
    """Give the job that a request stands for."""
    return Job(
        number=number,
        words=words,
        folder=request.output,
        key=request.key,
        config_hash=request.config_hash,
        group_key=request.group_key,
        data=request.experiment.data_digest,
        tracking=request.experiment.tracking,
        outputs=outputs,
    )


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


def axes_of(jobs: Sequence[Words]) -> dict[str, list[str]]:
    """Give what differs between jobs: by name, its values; the empty one, where some have none."""
    each = [settings_of(words) for words in jobs]
    names = dict.fromkeys(name for settings in each for name in settings)
    values = {name: list(dict.fromkeys(s.get(name, "") for s in each)) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def varying(words: Iterable[str], varied: Iterable[str]) -> list[str]:
    """Give the overrides of a job that tell it from others."""
    names = set(varied)
    return [word for word in words if _name(word) in names]


def _name(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")
