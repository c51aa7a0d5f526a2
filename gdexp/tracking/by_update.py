"""The curves by update: what was measured after epochs, at the update that each ended with.

Epochs of different variants hold from one update to as many as there are examples. Measured costs
cost what they always did: nothing is measured for these curves, so their first point is the first
epoch's end.
"""

import math
from typing import Any

NAMES = {
    f"by_update/{part}_{figure}": f"{part}/{figure}{mean}"
    for part in ("train", "val")
    for figure, mean in (("cost", "_mean"), ("accuracy", ""))
}
BATCH = "by_update/batch_cost"
GROWTH = 17 / 16  # of updates from one point to the next: 10^9 of them give 312 points


class ByUpdate:
    """Chooses, of the epochs of a run, those that are evenly spaced by the logarithm."""

    def __init__(self) -> None:
        self._next = 1.0  # updates; a logarithm has no place for 0
        self._skipped: list[dict[str, Any]] = []

    def take(self, epoch: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the point of an epoch's record, where it has one to be sent; step = updates.

        Parameters
        ----------
        epoch : dict
            A journal's record of an epoch.

        Returns
        -------
        list of dict
            One record of the same form, or none.
        """
        known, updates = epoch["metrics"], epoch["metrics"].get("progress/updates", 0)
        figures = {name: known[of] for name, of in NAMES.items() if of in known}
        point = [{**epoch, "epoch": int(updates), "metrics": figures}]
        if updates < self._next:
            self._skipped = point if updates >= 1 else []
            return []
        self._next, self._skipped = updates * GROWTH, []
        return point

    def last(self) -> list[dict[str, Any]]:
        """Give the point of the last epoch, where it was not sent: a curve ends with its run."""
        return self._skipped


class ByBatch:
    """Chooses of what each update's mini-batch cost, where a journal has that, in the same way."""

    def __init__(self) -> None:
        self._next = 1.0
        self._skipped: list[dict[str, Any]] = []

    def take(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Give those points of a journal's record of updates that are to be sent."""
        found, first, costs = [], record["first"], record["costs"]
        while (at := max(first, math.ceil(self._next))) < first + len(costs):
            found.append(_point(record, at))
            self._next = at * GROWTH
        end = first + len(costs) - 1
        self._skipped = [] if found and found[-1]["epoch"] == end else [_point(record, end)]
        return found

    def last(self) -> list[dict[str, Any]]:
        """Give the point of the last update, where it was not sent."""
        return self._skipped


def _point(record: dict[str, Any], update: int) -> dict[str, Any]:
    cost = record["costs"][update - record["first"]]
    return {"time": record["time"], "epoch": update, "metrics": {BATCH: cost}}
