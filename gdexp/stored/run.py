"""One run, as a store has it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

OURS = "gdexp."
CONTEXT = "mlflow.data.context"  # the tag that says what a data set is for


@dataclass(frozen=True)
class StoredRun:
    """What a store knows of a run, but for its curves and its files.

    Parameters
    ----------
    id : str
    experiment : str
        The name of the MLflow experiment.
    name : str
        Such as ``sgd m=10 eta=3 s=0``.
    status : str
        RUNNING, FINISHED, FAILED or KILLED.
    start : int
        ms since 1970.
    end : int or None
        ms since 1970; None while it runs.
    artifacts : str
        URI of the folder of its files.
    params, tags : mapping of str to str
    metrics : mapping of str to float
        The last value of each.
    """

    id: str
    experiment: str
    name: str
    status: str
    start: int
    end: int | None
    artifacts: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    def tag(self, name: str) -> str | None:
        """Give a tag of ours by the part of its name after ``gdexp.``."""
        return self.tags.get(OURS + name)

    def value(self, name: str) -> str | float | None:
        """Give what goes by a name: an attribute, a parameter, a metric or a tag, in that order.

        A prefix (``params.``, ``metrics.``, ``tags.``, ``attributes.``) says which is meant; a tag
        of ours can be named without ``gdexp.``. None where there is none.
        """
        kind, _, rest = name.partition(".")
        if kind in ("params", "metrics", "tags", "attributes") and rest:
            return self._of(kind, rest)
        for each in ("attributes", "params", "metrics", "tags"):
            if (found := self._of(each, name)) is not None:
                return found
        return None

    @property
    def names(self) -> set[str]:
        """All names that `value` knows, as they are written without a prefix."""
        tags = {name.removeprefix(OURS) for name in self.tags}
        return {*_ATTRIBUTES, *self.params, *self.metrics, *tags}

    @property
    def group_key(self) -> str:
        """What is computed, but for the seed: equal keys, the same variant."""
        return self.tag("group_key") or self.id

    @property
    def config_hash(self) -> str:
        """What is computed: equal hashes, equal results."""
        return self.tag("config_hash") or self.id

    @property
    def seed(self) -> int | None:
        """The seed of the first weights and of the examples' order."""
        with suppress(KeyError, ValueError):
            return int(self.params["seed"])
        return None

    def _of(self, kind: str, name: str) -> str | float | None:
        if kind == "params":
            return self.params.get(name)
        if kind == "metrics":
            return self.metrics.get(name)
        if kind == "tags":
            return self.tags.get(name, self.tag(name))
        attribute = _ATTRIBUTES.get(name)
        found: str | float | None = getattr(self, attribute) if attribute else None
        return found


_ATTRIBUTES = {
    "id": "id",
    "run_id": "id",
    "name": "name",
    "run_name": "name",
    "status": "status",
    "start_time": "start",
    "end_time": "end",
}
