"""The learning-rate range test: one short descent, in which η grows from update to update."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Optimizer, State, Update
from gdexp.descent.problem import Batch
from gdexp.descent.update import Step
from gdexp.diagnostics.diagnostic import Subject
from gdexp.diagnostics.inspection import rng_of
from gdexp.diagnostics.layers import drawn
from gdexp.errors import SettingError, real, whole

Values = NDArray[np.float64]
PATIENCE = 1 / 15  # of the ramp that the cost stays high before it is broken off
MARGIN = 3.0  # between the suggestion and the η of the lowest cost
WINDOW = 1 / 30  # of the ramp over which the cost is smoothed


@dataclass(frozen=True, eq=False)
class Climb:
    """The cost as η grew.

    Parameters
    ----------
    before : float
        The mean cost before the first update.
    eta, cost : ndarray, shape (k,)
        The learning rate of each update, and the mean cost after it; the last may not be finite.
    """

    before: float
    eta: Values
    cost: Values

    @property
    def smooth(self) -> Values:
        """The cost as a centred moving mean, which shifts no feature; infinite where it is not."""
        reach = max(1, round(WINDOW * len(self.cost) / 2))
        rows = [self.cost[max(0, i - reach) : i + reach + 1] for i in range(len(self.cost))]
        means = np.array([row.mean() for row in rows])
        return np.where(np.isfinite(means), means, np.inf)

    @property
    def lowest(self) -> int | None:
        """Where the smoothed cost is lowest; None where it never fell."""
        at = int(self.smooth.argmin())
        return at if self.smooth[at] < self.before else None

    @property
    def best(self) -> float | None:
        """Give the η at which the cost was lowest."""
        return None if self.lowest is None else float(self.eta[self.lowest])

    @property
    def suggested(self) -> float | None:
        """Give `best` / `MARGIN`: still falling, and well away from where it rises.

        None where the cost was lowest at the end: where it rises is not known.
        """
        at = self.lowest
        return None if at is None or at == len(self.eta) - 1 else float(self.eta[at]) / MARGIN

    @property
    def steepest(self) -> float | None:
        """Give the η at which the cost fell fastest against ln η, on the way to its lowest."""
        if self.lowest is None or self.lowest < 2:
            return None
        way = slice(0, self.lowest + 1)
        fall = np.gradient(self.smooth[way], np.log(self.eta[way]))
        return float(self.eta[int(fall.argmin())])

    @property
    def diverges(self) -> float | None:
        """Give the η from which the cost is high, until the end; None where it is not."""
        low = np.flatnonzero(~high(self.cost))
        first = int(low[-1]) + 1 if len(low) else 0
        return float(self.eta[first]) if first < len(self.eta) else None


def high(cost: Values) -> NDArray[np.bool_]:
    """Say after which updates the cost is above its lowest so far by more than the lowest itself.

    For costs >= 0 that is twice the lowest. A cost that is not finite is high.
    """
    finite = np.where(np.isfinite(cost), cost, np.inf)
    lowest = np.minimum.accumulate(finite)
    with np.errstate(invalid="ignore"):  # inf − inf
        risen: NDArray[np.bool_] = finite - lowest > np.abs(lowest)
    return risen | ~np.isfinite(cost)


@dataclass(frozen=True)
class Ramp:
    """Raises η by a constant factor after every update, from `least` to `most`.

    After L. N. Smith 2015 (arXiv 1506.01186, section 3.3), who raised η linearly and watched the
    accuracy; the exponential ramp and the cost are what most tools have since. They watch the cost
    of the mini-batch at hand; here it is that of the same training examples after every update,
    so that the curve has no noise but the descent's own. The suggestion, a third of the η at
    which the cost is lowest, is a rule of thumb, as are the tenth of it and the η of the fastest
    fall that others take; under another ramp it is another.

    Parameters
    ----------
    least, most : float
        The ends of the ramp.
    steps : int
        Updates, at least 10.
    examples : int
        Training examples over which the cost is taken.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    least: float = 1e-5
    most: float = 1e3
    steps: int = 300
    examples: int = 1000

    def __post_init__(self) -> None:
        real("from", self.least, "1e-5")
        real("to", self.most, "1000.0")
        if self.least >= self.most:
            raise SettingError("to", f"larger than from={self.least:g}", self.most, "1000.0")
        whole("steps", self.steps, 10, "300")
        whole("examples", self.examples, 1, "1000")

    def climb(
        self,
        problem: Subject,
        optimizer: Optimizer,
        update: Update,
        seed: int,
        watch: Callable[[int], None] = lambda updates: None,
    ) -> Climb:
        """Descend from the start that a run with this seed has, until the cost stays high.

        Parameters
        ----------
        problem, optimizer, update
            As in a run; its schedule, its stop and its engine play no part.
        seed : int
        watch : callable
            Is told after every update how many there were.
        """
        state = State.begin(problem, seed)
        state.memory = update.rule.start(state.v)
        sample = drawn(rng_of(seed, 0, "find-eta"), problem.n, self.examples)
        etas = np.geomspace(self.least, self.most, self.steps)
        patience = max(3, round(PATIENCE * self.steps))
        with np.errstate(over="ignore", invalid="ignore"):
            before = problem.cost(state.v, sample) / len(sample)
            cost: list[float] = []
            for eta, batch in zip(etas, _batches(problem, optimizer, state), strict=False):
                _move(problem, update, state, float(eta), batch)
                cost.append(problem.cost(state.v, sample) / len(sample))
                watch(len(cost))
                if not np.isfinite(cost[-1]) or high(np.array(cost))[-patience:].sum() == patience:
                    break
        return Climb(before, etas[: len(cost)], np.array(cost))


def _batches(problem: Subject, optimizer: Optimizer, state: State) -> Iterator[Batch]:
    """Give the batches of epoch after epoch."""
    while True:
        yield from optimizer.batches(problem.n, state.rng)


def _move(problem: Subject, update: Update, state: State, eta: float, batch: Batch) -> None:
    m = batch.stop - batch.start if isinstance(batch, slice) else len(batch)
    nabla = problem.gradient(state.v, batch)
    state.updates += 1
    state.v += update.step(problem, state.v, nabla, m, Step(eta, state.updates, state.memory))
