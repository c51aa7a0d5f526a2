"""A run again: asked for by its record, and by nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gdexp import build, menu, places
from gdexp.descent import Budget, Epoch, Stop
from gdexp.errors import GdexpError
from gdexp.experiment import Experiment, loaded
from gdexp.labels import datasets
from gdexp.replay import trusted
from gdexp.replay.recorded import Recorded
from gdexp.request import Request
from gdexp.tracking import Tracking


@dataclass(frozen=True)
class Until(Stop):
    """Ends where the record does, which no setting says: a clock ended the run, or a person.

    Parameters
    ----------
    epoch : int
    """

    epoch: int
    bounded = True

    def reason(self, history: Sequence[Epoch]) -> str:
        """Look at the number of the epoch."""
        return "the record ends here" if history[-1].number >= self.epoch else ""


def request(
    record: Recorded, outputs: Path, tracking: Tracking, data: Mapping[str, str]
) -> Request:
    """Ask for the run of a record.

    Parameters
    ----------
    record : Recorded
    outputs : Path
        Where its folder is to be made, below ``replays``.
    tracking : Tracking
        Where the replay itself is tracked, if anywhere.
    data : mapping of str to str
        Where the data lie here, where that is not as recorded: ``root`` or ``path``.

    Raises
    ------
    GdexpError
        Where the run cannot be repeated: its settings are not of this gdexp's, its data are not
        here, are others, or were never kept.
    """
    run = record.run
    who = f"run {run.id[:8]}"
    config = trusted.replaced(record.config, outputs, tracking, data)
    groups = [*menu.groups([places.conf()])]
    choices = {group: run.params[group] for group in groups if group in run.params}
    experiment = _experiment(who, config, choices)
    if getattr(experiment.data, "option", None) == "stdin":
        raise GdexpError(
            f"{who} learned from standard input, of which nothing was kept: it cannot be replayed. "
            "Write a stream to a file first, and learn from that: data=file data.path=FILE."
        )
    _check_digests(who, experiment, record.digests, data)
    now = datetime.now()
    return Request(
        experiment=_ended(experiment, record),
        config=config,
        params={**run.params, "outputs": str(outputs)},
        choices=choices,
        overrides=["replay", run.id, *(f"data.{name}={value}" for name, value in data.items())],
        output=outputs / "replays" / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S-%f}-{run.id[:8]}",
        special=["replay"],
        tags={"gdexp.kind": "replay", "gdexp.replay_of": run.id},
    )


def _experiment(who: str, config: dict[str, Any], choices: Mapping[str, str]) -> Experiment:
    knobs = {name for name in menu.settings([places.conf()]) if "." not in name}
    try:
        return build.experiment(config, build.Origin(choices, [], knobs))
    except GdexpError as error:
        raise GdexpError(f"{who}: what it was asked for is not possible here: {error}") from None


def _check_digests(
    who: str, experiment: Experiment, recorded: Mapping[str, str], data: Mapping[str, str]
) -> None:
    """Refuse data that are not those of the record; those of a stream are seen as they come."""
    if experiment.data is None or hasattr(experiment.data, "open"):
        return
    try:
        here = {each["context"]: each["digest"] for each in datasets(loaded(experiment.data))}
    except GdexpError as error:
        told = f"{who}: its data cannot be had here: {error}"
        raise GdexpError(told if data else f"{told} Or say where they are: {HOW}") from None
    for part, digest in recorded.items():
        if here.get(part) != digest:
            raise GdexpError(
                f"{who}: the data here are not those of the record: {part} has the digest "
                f"{here.get(part, 'none')}, and had {digest}. Name the right ones: {HOW}"
            )


HOW = "data.root=FOLDER or data.path=FILE."


def _ended(experiment: Experiment, record: Recorded) -> Experiment:
    """Have the run end where the record does, where a clock or a person ended it."""
    stream = experiment.stream
    if stream is not None:
        seen = record.values.get(record.last, {}).get("progress/examples")
        whole = stream.seconds is None and (record.complete or not experiment.schedule.constant)
        if whole or seen is None:
            return experiment
        return replace(experiment, stream=replace(stream, seconds=None, examples=max(1, int(seen))))
    by_clock = isinstance(experiment.stop, Budget) and experiment.stop.seconds is not None
    if by_clock or not record.complete:
        return replace(experiment, stop=Until(record.last))
    return experiment
