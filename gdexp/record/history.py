"""The epochs of a run: held in memory while it goes on, and a table of them at its end."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gdexp.descent import Epoch, thinned
from gdexp.interrupted import Interrupted
from gdexp.record.whole import whole
from gdexp.tracking import Reader, names

MOST_HELD = 1000  # epochs, in memory: a stream may have any number of reports


class History:
    """What a run's epochs came to.

    Parameters
    ----------
    folder : Path
        The run's own.
    endless : bool
        Whether there may be any number of epochs; then only some are held, thinned out evenly.
    left : Interrupted or None
        What the run left when it was interrupted, where it goes on.
    """

    def __init__(self, folder: Path, *, endless: bool, left: Interrupted | None) -> None:
        self._folder, self._endless, self._thinned = folder, endless, False
        self.epochs: list[Epoch] = []
        self.rows: list[dict[str, Any]] = []  # of each epoch, its number and its figures
        self._seen: dict[int, dict[str, Any]] = {}  # by epoch, what diagnostics saw
        if left is not None:
            self.epochs = left.epochs()
            self.rows = [
                _row(each["epoch"], names.figures(each["metrics"])) for each in left.rows()
            ]
            for (number, _), look in left.looks().items():
                self.saw(number, names.figures(look["metrics"]))

    def add(self, epoch: Epoch, metrics: Mapping[str, float]) -> None:
        """Take an epoch, with its figures."""
        self.epochs.append(epoch)
        self.rows.append(_row(epoch.number, metrics))
        if len(self.epochs) > MOST_HELD and self._endless:
            self.epochs, self._thinned = thinned(self.epochs), True
            held = {each.number for each in self.epochs}
            self.rows = [row for row in self.rows if row["epoch"] in held]

    def saw(self, number: int, metrics: Mapping[str, Any]) -> None:
        """Take what diagnostics saw after an epoch."""
        self._seen.setdefault(number, {}).update(metrics)

    def write(self, name: str) -> None:
        """Write the table; what is not held is read from the journal, which has all epochs.

        Raises
        ------
        JournalError, OSError
        """
        rows = [row | self._seen.get(int(row["epoch"]), {}) for row in self.rows]
        columns = {"epoch": None, **{column: None for row in rows for column in row}}
        with whole(self._folder / name) as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(self._journalled() if self._thinned else rows)

    def _journalled(self) -> Iterator[dict[str, Any]]:
        for each in Reader(self._folder).new():
            if each["kind"] == "epoch":
                yield _row(each["epoch"], each["metrics"])


def _row(epoch: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {"epoch": epoch, **metrics}
