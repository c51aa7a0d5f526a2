"""Running means of what was seen, each example measured before it is learnt from."""

import math
from collections import deque
from dataclasses import dataclass, field

from gdexp.measure import Measure


@dataclass
class Running:
    """Means of C_x, and of being right, over the last examples, over all, and weighted.

    Every example is measured at the point v that had not seen it yet: progressive validation
    (Blum, Kalai & Langford 1999), so that no examples have to be kept aside.

    Parameters
    ----------
    window : int
        Of how many examples the windowed mean is, in whole mini-batches: at most so many, but
        at least one mini-batch.
    half_life : float
        Examples after which one weighs half in the weighted mean: Σ λᵃ C_x / Σ λᵃ, where a says
        how many mini-batches' examples came later, and λ = 2^(−1/half_life). Divided by the sum of
        the weights, it is a mean from the first example on.
    """

    window: int
    half_life: float
    recent: deque[Measure] = field(default_factory=deque)
    examples: int = 0
    cost: float = 0.0
    correct: int = 0
    _held: int = 0
    _weights: float = 0.0
    _weighted_cost: float = 0.0
    _weighted_correct: float = 0.0

    def add(self, batch: Measure) -> None:
        """Take in a mini-batch."""
        self.recent.append(batch)
        self._held += batch.n
        while self._held > self.window and len(self.recent) > 1:
            self._held -= self.recent.popleft().n
        correct = batch.correct or 0
        self.examples += batch.n
        self.cost += batch.cost
        self.correct += correct
        kept = 2.0 ** (-batch.n / self.half_life)
        self._weights = kept * self._weights + batch.n
        self._weighted_cost = kept * self._weighted_cost + batch.cost
        self._weighted_correct = kept * self._weighted_correct + correct

    @property
    def finite(self) -> bool:
        """Whether all costs so far were numbers."""
        return math.isfinite(self.cost)

    def windowed(self) -> Measure:
        """Sum the window."""
        right = [each.correct for each in self.recent if each.correct is not None]
        cost = math.fsum(each.cost for each in self.recent) if self.finite else self.cost
        return Measure(cost, self._held, sum(right) if right else None)

    def means(self) -> dict[str, float]:
        """Name the other means."""
        named = {
            "stream/cost_weighted": self._weighted_cost / self._weights,
            "stream/cost_all": self.cost / self.examples,
        }
        if self.recent[-1].correct is not None:
            named["stream/accuracy_weighted"] = self._weighted_correct / self._weights
            named["stream/accuracy_all"] = self.correct / self.examples
        return named
