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
    correct : int
        How many of them are classified rightly.
    """

    cost: float
    n: int
    correct: int

    @property
    def accuracy(self) -> float:
        """The share of the set that is classified rightly, in [0, 1]."""
        return self.correct / self.n
