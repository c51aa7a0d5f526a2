"""One job of a sweep, and how jobs differ: axes, and the overrides that vary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gdexp.request import Request
from gdexp.sweeps.grids import Words
from gdexp.tracking import Tracking
from gdexp.tracking.jobs import settings_of


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


def axes_of(jobs: Sequence[Words]) -> dict[str, list[str]]:
    """Give what differs between jobs: by name, its values; the empty one, where some have none."""
    each = [settings_of(words) for words in jobs]
    names = dict.fromkeys(name for settings in each for name in settings)
    values = {name: list(dict.fromkeys(s.get(name, "") for s in each)) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def varying(words: Iterable[str], varied: Iterable[str]) -> list[str]:
    """Give the overrides of a job that tell it from others."""
    names = set(varied)
    return [word for word in words if name_of(word) in names]


def name_of(word: str) -> str:
    """Give the name of the setting that an override is of."""
    return word.partition("=")[0].lstrip("+~")
