"""Where the trajectories of two runs part, exactly."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

AXES = "progress/"  # updates, examples, seconds, η: how far a run is, and not what it reached
UPDATES = "progress/updates"

Measured = Mapping[int, Mapping[str, float]]  # by epoch (or update), then by name


@dataclass(frozen=True)
class Gap:
    """Two values of one name that are not equal."""

    name: str
    one: float
    other: float

    @property
    def absolute(self) -> float:
        """|a − b|."""
        return abs(self.one - self.other)

    @property
    def relative(self) -> float:
        """|a − b|/max(|a|, |b|)."""
        size = max(abs(self.one), abs(self.other))
        return self.absolute / size if size > 0 else math.nan

    @property
    def rank(self) -> float:
        """How much it tells: the relative difference, or more where one is no finite number."""
        return self.relative if math.isfinite(self.relative) else math.inf


@dataclass(frozen=True)
class Parting:
    """The first measurement at which two runs differ.

    Parameters
    ----------
    at : int
        The epoch.
    last_equal : int or None
        The last measured epoch before, at which all was equal; None where there is none.
    gaps : tuple of Gap
        What differs there, the largest relative difference first.
    updates : tuple of (float or None)
        The updates that lay behind at `last_equal` and at `at`, in the first run.
    """

    at: int
    last_equal: int | None
    gaps: tuple[Gap, ...]
    updates: tuple[float | None, float | None]


def shared(one: Measured, other: Measured) -> list[int]:
    """Give the epochs that both measured, in order."""
    return sorted(set(one) & set(other))


def parting(one: Measured, other: Measured) -> Parting | None:
    """Find the first epoch at which two runs measured different values of one name.

    Values are compared bit by bit, but that NaN equals NaN. Names that only one of them measured
    are left out, and so are those of axes: times, updates, learning rates.

    Returns
    -------
    Parting or None
        None where all that both measured is equal.
    """
    before: int | None = None
    for epoch in shared(one, other):
        if found := gaps(one[epoch], other[epoch]):
            behind = None if before is None else one[before].get(UPDATES)
            return Parting(epoch, before, tuple(found), (behind, one[epoch].get(UPDATES)))
        before = epoch
    return None


def gaps(one: Mapping[str, float], other: Mapping[str, float]) -> list[Gap]:
    """Give the values that differ, the largest relative difference first."""
    found = [
        Gap(name, one[name], other[name])
        for name in _names(one, other)
        if not _equal(one[name], other[name])
    ]
    return sorted(found, key=lambda gap: (-gap.rank, gap.name))


def _names(one: Iterable[str], other: Iterable[str]) -> list[str]:
    known = set(other)
    return [name for name in one if name in known and not name.startswith(AXES)]


def _equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))
