"""What measuring a point gives, shared by those who measure and those who descend."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """How well a point does on one set of examples, as sums, free of any convention.

    Parameters
    ----------
    cost : float
        Σ C_x over the set.
    n : int
        How many examples the set has.
    correct : int, optional
        How many of them are classified rightly; None where there are no classes.
    """

    cost: float
    n: int
    correct: int | None

    @property
    def accuracy(self) -> float | None:
        """The share of the set that is classified rightly, in [0, 1]; None without classes."""
        return None if self.correct is None else self.correct / self.n
