"""Data sets of an option of one's own: what the menu's architectures want, and digits are not."""

from dataclasses import dataclass

import numpy as np

from gdexp.data import Dataset, Examples
from gdexp.errors import one_of

SIZES = {"train": 200, "validation": 50, "test": 50}


@dataclass(frozen=True)
class Drawn:
    """Points of the unit square by their distance from the diagonal, or by its sign.

    Parameters
    ----------
    kind : {"two_classes", "numbers"}
    """

    kind: str

    def __post_init__(self) -> None:
        one_of("kind", self.kind, ("two_classes", "numbers"))

    def load(self) -> Dataset:
        """Draw them, always the same."""
        rng = np.random.default_rng(0)
        parts = {name: self._part(rng.random((n, 2))) for name, n in SIZES.items()}
        classes = 2 if self.kind == "two_classes" else 0
        return Dataset(self.kind, **parts, classes=classes, source="drawn")

    def _part(self, points: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> Examples:
        distance = (points[:, 1] - points[:, 0]) / np.sqrt(2)
        return Examples(points, distance if self.kind == "numbers" else (distance > 0).astype(int))
