"""The curves by update: what was measured after epochs, at the update that each ended with.

Epochs of different variants hold from one update to as many as there are examples. Measured costs
cost what they always did: nothing is measured for these curves, so their first point is the first
epoch's end.
"""

from typing import Any

NAMES = {
    f"by_update/{part}_{figure}": f"{part}/{figure}{mean}"
    for part in ("train", "val")
    for figure, mean in (("cost", "_mean"), ("accuracy", ""))
}
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
