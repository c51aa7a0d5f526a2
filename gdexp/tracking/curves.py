"""The curves of a run in the store: which of the points that a journal has are sent."""

from typing import Any

from gdexp.tracking.batch import Point
from gdexp.tracking.by_update import ByBatch, ByUpdate

MOST_POINTS = 320  # of a curve: MLflow's page draws no more, and the journal has them all

Record = dict[str, Any]


class Curves:
    """Chooses evenly spaced points, such that no curve has more than `MOST_POINTS`.

    Where nobody knows how many epochs there will be, they come half as often whenever there have
    been that many in even spaces: each doubling of the length adds half of `MOST_POINTS`.
    """

    def __init__(self) -> None:
        self._stride, self._unending = 1, False
        self._looked: int | None = None  # the epoch of the last look whose metrics are sent
        self._skipped: list[Record] = []  # the last epoch, where it was not to be sent
        self._by_update, self._by_batch = ByUpdate(), ByBatch()

    def begin(self, start: Record) -> None:
        """Take from a journal's first record how many epochs there will be."""
        every, epochs = start["every"], start["epochs"]
        self._unending = epochs is None
        self._stride = every * max(1, -(-(epochs or 0) // (every * (MOST_POINTS - 2))))

    def epoch(self, record: Record) -> list[Point]:
        """Give the points of an epoch: over epochs, and over updates."""
        if self._unending and record["epoch"] > MOST_POINTS * self._stride:
            self._stride *= 2
        chosen = [] if record["epoch"] % self._stride else [record]
        self._skipped = [] if chosen else [record]
        return _points([*chosen, *self._by_update.take(record)])

    def updates(self, record: Record) -> list[Point]:
        """Give some points of what each update cost, evenly spaced by the logarithm."""
        return _points(self._by_batch.take(record))

    def look(self, record: Record) -> list[Point]:
        """Give the points of a diagnostic, as close as those of epochs are, and the last always."""
        seen, epoch = self._looked, record["epoch"]
        if seen is not None and not record["last"] and epoch < seen + self._stride:
            return []
        self._looked = epoch
        return _points([record])

    def last(self) -> list[Point]:
        """Give the points that were passed over last: a curve ends where its run ended."""
        return _points([*self._skipped, *self._by_update.last(), *self._by_batch.last()])


def _points(records: list[Record]) -> list[Point]:
    return [(record["time"], record["epoch"], record["metrics"]) for record in records]
