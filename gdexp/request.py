"""A run that is asked for: its experiment, and how it was asked for."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gdexp.engines import Engine
from gdexp.experiment import Experiment

# Settings that say where things are, or who looks on, and not what is computed.
ENGINE = ("engine", "engine._target_", "engine.precision", "engine.threads")
WHERE = ("outputs", "tracking", "data.root", "data.mirrors", "diagnostics", "journal", "checkpoint")


@dataclass(frozen=True)
class Request:
    """One run that is asked for.

    Parameters
    ----------
    experiment : Experiment
    config : mapping
        The composed configuration it comes from, resolved and without passwords.
    params : mapping of str to str
        The same, flat, as MLflow shows it.
    choices : mapping of str to str
        The option taken in each folder of the menu.
    overrides : sequence of str
        What was written on the command line.
    output : Path
        The run's own folder.
    sweep, job : str, int, optional
        The sweep that the run is part of, and its number there.
    flags : sequence of str
        Hydra's own flags that the run depends on.
    special : sequence of str
        What is not as the menu has it by default, in words for the run's name.
    variant : int, optional
        Number of the run's variant (all that is computed, but the seed) among those of its sweep.
    varies : sequence of str
        The overrides that tell the run from the others of its sweep.
    engine : sequence of str
        The engine that ``engine=auto`` took, as it would be written on the command line.
    tags : mapping of str to str
        What else the run is to be tagged with in MLflow.
    goes_on : bool
        Whether its folder holds what was interrupted, and is to be gone on with.
    forced : bool
        Whether it goes on although something is not as it was.
    """

    experiment: Experiment
    config: Mapping[str, Any]
    params: Mapping[str, str]
    choices: Mapping[str, str]
    overrides: Sequence[str]
    output: Path
    sweep: str | None = None
    job: int | None = None
    flags: Sequence[str] = ()
    special: Sequence[str] = ()
    variant: int | None = None
    varies: Sequence[str] = ()
    engine: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    goes_on: bool = False
    forced: bool = False

    def with_engine(self, engine: Engine) -> "Request":
        """Give the same request, for which this engine was taken: a record names what ran."""
        node = {"_target_": f"gdexp.engines.{type(engine).__name__}", **asdict(engine)}
        return replace(
            self,
            experiment=replace(self.experiment, engine=engine),
            config={**self.config, "engine": node},
            engine=(
                f"engine={type(engine).__name__.lower()}",
                f"engine.precision={engine.precision}",
                f"engine.threads={engine.threads}",
            ),
        )

    @property
    def words(self) -> list[str]:
        """Give the command line that repeats the run: the engine that was taken is named in it."""
        given = [
            word
            for word in self.overrides
            if not self.engine or word.lstrip("+~").split("=")[0] not in ENGINE
        ]
        return [*self.flags, *given, *self.engine]

    @property
    def config_hash(self) -> str:
        """Name what is computed: equal hashes, equal results."""
        return config_hash(self.config)

    @property
    def key(self) -> str:
        """Name what is computed and looked at: jobs of a sweep with equal keys are one job."""
        looks = self.config.get("diagnostics")
        return self.config_hash + (f"-{_hash({'looks': looks})[:8]}" if looks else "")

    @property
    def group_key(self) -> str:
        """Name what is computed, but for the seed."""
        return _hash(self.config, *WHERE, "seed", "data.seed")

    @property
    def shade(self) -> int:
        """Give the number of the colour that the run is drawn in: one for each variant."""
        return int(self.group_key, 16) if self.variant is None else self.variant


def config_hash(config: Mapping[str, Any]) -> str:
    """Name what a configuration computes: equal hashes, equal results."""
    return _hash(config, *WHERE)


def _hash(config: Mapping[str, Any], *without: str) -> str:
    kept = {
        key: {name: each for name, each in value.items() if f"{key}.{name}" not in without}
        if isinstance(value, dict)
        else value
        for key, value in config.items()
        if key not in without
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
