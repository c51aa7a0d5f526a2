"""What is known after an epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    unit : str
        What `number` counts; a descent on a stream has reports instead of epochs.
    extra : mapping of str to float
        What else is known, by the names that the figures carry.
    """

    number: int
    updates: int
    examples: int
    seconds: float
    cost: float
    parts: Mapping[str, Measure]
    eta: float | None = None
    ended: str = ""
    unit: str = "epoch"
    extra: Mapping[str, float] = field(default_factory=dict)

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


def thinned(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Leave out every second epoch, but none that a summary tells of: the last, and the best."""
    places = range(len(epochs))
    best = max(places, key=lambda at: epochs[at].merit)
    tested = max(places, key=lambda at: _test_accuracy(epochs[at]))
    kept = {best, tested, len(epochs) - 1}
    return [epoch for at, epoch in enumerate(epochs) if at % 2 == 0 or at in kept]


def _test_accuracy(epoch: Epoch) -> float:
    return (epoch.parts["test"].accuracy or 0.0) if "test" in epoch.parts else 0.0
