"""From a command line to the plan of a sweep: all of its jobs, before the first one trains."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from gdexp.errors import GdexpError
from gdexp.sweeps.grids import expand
from gdexp.sweeps.job import Job, axes_of, name_of
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.planner import Planner
from gdexp.sweeps.settings import Study

STUDY = "study"


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
    name, study = _study(master, words)
    rest = [word for word in words if name_of(word) != STUDY]
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
    return Plan(
        folder=folder,
        words=words,
        jobs=planner.jobs,
        loader=planner.frozen,
        study=study,
        name=name,
        doubles=planner.doubles,
        launcher=[word for word in master.hydra.overrides.hydra if "launcher" in name_of(word)],
    )


def _study(master: DictConfig, words: Sequence[str]) -> tuple[str, Study | None]:
    """Give the study that is asked for, if one is, and its name before it."""
    named = [word for word in words if name_of(word) == STUDY]
    if len(named) > 1 or any("," in word or "(" in word for word in named):
        raise GdexpError(f"{' '.join(named)}: one study at a time. Write +study=NAME.")
    if not named:
        return "", None
    node = OmegaConf.to_container(master[STUDY], resolve=True)
    assert isinstance(node, dict)
    study = Study.of({str(key): value for key, value in node.items()})
    return named[0].partition("=")[2], study
