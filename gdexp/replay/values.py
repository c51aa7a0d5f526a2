"""Values that runs log, by epoch and name, and how those of two runs compare: bit for bit."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

END = math.inf  # where figures of the end stand, behind all epochs
Values = dict[float, dict[str, float]]


def of_journal(records: Iterable[Mapping[str, Any]]) -> Values:
    """Give the values that a journal holds: of epochs, updates, what diagnostics saw, the end."""
    values: Values = {}
    for record in records:
        if record["kind"] != "start" and "metrics" in record:
            at = END if record["kind"] == "end" else int(record["epoch"])
            named = {str(name): float(value) for name, value in record["metrics"].items()}
            values.setdefault(at, {}).update(named)
        elif record["kind"] == "updates":
            costs = enumerate(record["costs"], record["first"])
            named = {f"cost of update {number}": float(cost) for number, cost in costs}
            values.setdefault(int(record["epoch"]), {}).update(named)
    return {at: named for at, named in sorted(values.items()) if named}


def is_time(name: str) -> bool:
    """Say whether a value is a time that was measured, and so never twice the same."""
    return name.startswith("time/") or "seconds" in name


@dataclass(frozen=True)
class Difference:
    """A value that was recorded as one number, and is another now.

    Parameters
    ----------
    at : float
        The epoch; `END` for a figure of the end.
    name : str
    recorded : float
    now : float or None
        None where there is none.
    """

    at: float
    name: str
    recorded: float
    now: float | None

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.name} {self.recorded:.6g} recorded, none now"
        recorded, now = _told_apart(self.recorded, self.now)
        return f"{self.name} {recorded} recorded, {now} now"


@dataclass(frozen=True)
class Comparison:
    """What came of comparing.

    Parameters
    ----------
    values : int
        How many values the record has.
    differences : sequence of Difference
        In the order of epochs.
    largest : float
        The largest difference, as a share of the largest value of its curve; infinite where a
        value is missing, or not finite on one side only.
    """

    values: int
    differences: list[Difference]
    largest: float

    @property
    def equal(self) -> bool:
        """Whether all values are the same to the last bit."""
        return not self.differences


def compared(recorded: Values, now: Values) -> Comparison:
    """Hold each recorded value, times left out, against the one of the same epoch and name."""
    found, count, largest = [], 0, 0.0
    scales = _scales(recorded)
    for at, name, value in _each(recorded):
        count += 1
        other = now.get(at, {}).get(name)
        if other is None or not _same(value, other):
            found.append(Difference(at, name, value, other))
            largest = max(largest, _share(value, other, scales[name]))
    return Comparison(count, found, largest)


def _each(values: Values) -> Iterator[tuple[float, str, float]]:
    for at in sorted(values):
        for name, value in values[at].items():
            if not is_time(name):
                yield at, name, value


def _scales(values: Values) -> dict[str, float]:
    """Give the largest size of each curve: near a zero of it nothing is to be divided by."""
    scales: dict[str, float] = {}
    for _, name, value in _each(values):
        scales[name] = max(scales.get(name, 0.0), abs(value) if math.isfinite(value) else 0.0)
    return scales


def _same(a: float, b: float) -> bool:
    return a.hex() == b.hex()  # tells 0.0 from -0.0, and takes nan for nan


def _share(value: float, other: float | None, scale: float) -> float:
    if other is None or not (math.isfinite(value) and math.isfinite(other)):
        return math.inf
    return abs(value - other) / scale if scale else math.inf


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart, three at least."""
    for digits in range(3, 18):
        shown = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if shown[0] != shown[1]:
            return shown
    return repr(a), repr(b)
