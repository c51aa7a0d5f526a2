"""A run as an archive describes it, and whether that can be one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ENDED = ("FINISHED", "FAILED", "KILLED")
ORIGIN = "gdexp.imported_from"  # the tag that has the id of a run in the store that it comes from
PARENT = "mlflow.parentRunId"
POINTERS = (PARENT, "gdexp.best_run", "gdexp.replay_of")  # tags that name other runs
LONGEST_KEY, LONGEST_VALUE = 250, 8000  # MLflow's own, of names and of tags
LONGEST_EXPERIMENT = 200
DATASET = ("name", "digest", "source_type", "source", "schema", "profile")


@dataclass(frozen=True)
class Listed:
    """A run as an archive describes it, but for its points and its files.

    Parameters
    ----------
    id, experiment, name, status : str
    user : str
    start, end : int
        ms since 1970.
    params, tags : mapping of str to str
    inputs : sequence of mapping
        Data sets: what MLflow knows of each, and its tags.
    """

    id: str
    experiment: str
    name: str
    status: str
    user: str
    start: int
    end: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    inputs: Sequence[Mapping[str, Any]]

    @property
    def origin(self) -> str:
        """Its id in the store in which it was tracked first."""
        return self.tags.get(ORIGIN, self.id)

    @property
    def sweep(self) -> bool:
        """Whether it is a sweep's own run."""
        return self.tags.get("gdexp.kind") == "sweep"

    def told(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)


def read_listed(run: str, told: Mapping[str, Any]) -> Listed:
    """Read a description that is not trusted.

    Raises
    ------
    ValueError, TypeError, LookupError
        Where it describes no run that can be stored.
    """
    found = Listed(**told)
    if found.id != run:
        raise ValueError(f"run {run} is described as another")
    if found.status not in ENDED:
        raise ValueError(f"run {run} has not ended")
    texts = (found.experiment, found.name, found.user)
    if not all(isinstance(text, str) and len(text) <= LONGEST_VALUE for text in texts):
        raise TypeError
    if not named(found.experiment):
        raise ValueError(f"{found.experiment[:60]!r} is no name of an experiment")
    if type(found.start) is not int or not (found.end is None or type(found.end) is int):
        raise TypeError
    for pairs in (found.params, found.tags):
        _check_pairs(run, pairs)
    for each in found.inputs:
        _check_pairs(run, {name: each[name] for name in DATASET if each[name] is not None}, 2**20)
        _check_pairs(run, each["tags"])
    return found


def named(experiment: str) -> bool:
    """Whether an experiment can have a name, of which a folder is made."""
    plain = experiment.isprintable() and experiment.strip(". ") == experiment.strip(" ")
    return plain and 0 < len(experiment) <= LONGEST_EXPERIMENT


def _check_pairs(run: str, pairs: Mapping[str, Any], longest: int = LONGEST_VALUE) -> None:
    for key, value in pairs.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError
        if not 0 < len(key) <= LONGEST_KEY or len(value) > longest:
            raise ValueError(f"run {run} has {key[:60]!r}, which is too long")


def whole(runs: Sequence[Listed]) -> list[Listed]:
    """Give runs in an order in which each comes after the sweep that it belongs to."""
    return sorted(runs, key=lambda run: (PARENT in run.tags, run.start, run.id))
