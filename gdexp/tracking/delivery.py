"""What the store takes of a run's curves: each point once, whoever sent it before."""

import math
from collections.abc import Sequence

from gdexp.tracking.batch import Batch, Point
from gdexp.tracking.outage import Link


class Delivery:
    """Sends points that the store does not have, and counts them.

    Parameters
    ----------
    link : Link
        The store.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._there: set[tuple[str, int]] = set()  # points that the store has
        self._asked: set[str] = set()  # metrics, while that is being found out
        self.counts = {"points": 0, "there": 0}

    def ask(self, run_id: str) -> None:
        """Find out which points the store has; where that breaks off, it goes on from there."""
        store = self._link.store
        for name in store.metrics(run_id):
            if name not in self._asked:
                self._there |= store.points(run_id, name)
                self._asked.add(name)
                self._link.took()
        self._asked.clear()

    def send(self, run_id: str, batch: Batch) -> None:
        """Send what the store does not have of a batch."""
        points: list[Point] = [
            (time, step, {n: v for n, v in metrics.items() if (n, step) not in self._there})
            for time, step, metrics in batch.points
        ]
        self._link.store.log(run_id, Batch(batch.params, points, batch.tags))
        sent = count(points)
        self.counts["points"] += sent
        self.counts["there"] += count(batch.points) - sent


def count(points: Sequence[Point]) -> int:
    """Count the values that a store takes: those that are finite."""
    return sum(math.isfinite(float(each)) for _, _, metrics in points for each in metrics.values())
