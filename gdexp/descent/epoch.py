"""What is known after an epoch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gdexp.measure import Measure


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch; number 0 is the start, before any update.

    Parameters
    ----------
    number, updates, examples : int
        What lies behind.
    seconds : float
        Spent on updates, without measuring.
    cost : float
        The training cost under the descent's own scaling, its penalty included.
    parts : mapping of str to Measure
        Convention-free measures of each set of examples; "train" is among them.
    eta : float, optional
        The learning rate of the last update, where a schedule changes it.
    ended : str
        Why the descent ended here; empty where it did not, or because all epochs were done.
    """

    number: int
    updates: int
    examples: int
    seconds: float
    cost: float
    parts: Mapping[str, Measure]
    eta: float | None = None
    ended: str = ""

    @property
    def diverged(self) -> bool:
        """Whether the training cost is no longer finite."""
        return not math.isfinite(self.cost)

    @property
    def judged(self) -> str:
        """The part by which epochs are compared: "val", or "train" where there is none."""
        return "val" if "val" in self.parts else "train"

    @property
    def merit(self) -> float:
        """What is the larger the better: the accuracy, or the mean cost with its sign turned."""
        measure = self.parts[self.judged]
        return -measure.cost / measure.n if measure.accuracy is None else measure.accuracy
