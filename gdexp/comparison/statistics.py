"""Means over seeds with their uncertainty, and tests of differences.

The distribution function of Student's t is SciPy's own, from `scipy.special`: `scipy.stats`, which
has these tests whole, takes seconds to import. That both agree is a test.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

PAIRED = "paired t-test"
WELCH = "Welch's t-test"
NONE = "none"
ASSUMPTIONS = {
    PAIRED: "the differences, seed by seed, are drawn independently from one normal distribution",
    WELCH: (
        "the values of each variant are drawn independently from a normal distribution, "
        "whose variances may differ"
    ),
    NONE: "nothing can be said of chance: a difference has no spread with less than two seeds each",
}
DIVERGED = "nothing can be tested: a run diverged, and what it reached is no number"


@dataclass(frozen=True)
class Interval:
    """A mean, and the interval that holds the true one with a given confidence.

    Parameters
    ----------
    mean : float
    low, high : float
        NaN where there are less than two values, or one that is not finite.
    n : int
        How many values.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half its width: the mean ± this."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Difference:
    """A mean difference of two variants, its interval, and a test of whether there is one.

    Parameters
    ----------
    mean, low, high : float
        Of a − b, in the unit of the values; low and high as in `Interval`.
    p : float
        How likely so large a difference is, of either sign, where there is none; NaN where that
        cannot be tested.
    n : int
        Pairs, or values of both in all.
    test : str
        `PAIRED`, `WELCH` or `NONE`.
    assumption : str
        What the interval and p rely on, in words.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int
    test: str
    assumption: str


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Give mean and confidence interval: mean ± t s/√n, with Student's t of n − 1 degrees.

    Parameters
    ----------
    values : sequence of float
        Draws from one normal distribution, independent of one another.
    level : float
        The confidence, in (0, 1).

    Returns
    -------
    Interval
        For one value low and high are NaN: it has no spread. For none the mean is, too.
    """
    n = len(values)
    if not n or not all(map(math.isfinite, values)):
        return Interval(sum(values) / n if n else math.nan, math.nan, math.nan, n)
    mean = fmean(values)
    if n == 1:
        return Interval(mean, math.nan, math.nan, n)
    half = _quantile(n - 1, level) * math.sqrt(variance(values, mean) / n)
    return Interval(mean, mean - half, mean + half, n)


def paired(
    a: Mapping[Hashable, float], b: Mapping[Hashable, float], level: float = 0.95
) -> Difference:
    """Test whether a and b differ: seed by seed where they share seeds, else as two groups.

    The same seed means the same first weights and the same order of examples, so that much of what
    is chance is the same in both, and drops out of the difference.

    Parameters
    ----------
    a, b : mapping of seed to float
        What each seed reached.
    level : float
        The confidence of the interval, in (0, 1).

    Returns
    -------
    Difference
        Of a − b. By the paired t-test over the seeds that both have, where these are two or more;
        else by Welch's t-test over all values (Welch 1947, with the degrees of freedom of
        Satterthwaite 1946), where both have two or more; else untested.
    """
    shared = [seed for seed in a if seed in b]
    if len(shared) >= 2 or len(a) < 2 or len(b) < 2:
        seeds = shared if shared else []
        return _over_pairs([a[seed] - b[seed] for seed in seeds], level, _apart(a, b))
    return _over_groups(list(a.values()), list(b.values()), level)


def holm(ps: Sequence[float]) -> list[float]:
    """Correct p values of several tests for their number (Holm 1979).

    The smallest of k is multiplied by k, the next by k − 1, and so on; none may fall below one
    before it, or exceed 1. NaN, which was not tested, stays, and does not count.
    """
    tested = sorted((p, at) for at, p in enumerate(ps) if not math.isnan(p))
    corrected, highest = list(ps), 0.0
    for rank, (p, at) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        corrected[at] = highest
    return corrected


def _apart(a: Mapping[Hashable, float], b: Mapping[Hashable, float]) -> float:
    return fmean(a.values()) - fmean(b.values()) if a and b else math.nan


def _over_pairs(differences: Sequence[float], level: float, apart: float) -> Difference:
    """Test pairs; without two of them the difference of the means is all that is known."""
    n = len(differences)
    if n < 2:
        mean = differences[0] if differences else apart
        return Difference(mean, math.nan, math.nan, math.nan, n, NONE, ASSUMPTIONS[NONE])
    found = interval(differences, level)
    if math.isnan(found.low):
        return Difference(found.mean, math.nan, math.nan, math.nan, n, NONE, DIVERGED)
    error = math.sqrt(variance(differences, found.mean) / n)
    p = _p(found.mean, error, n - 1)
    return Difference(found.mean, found.low, found.high, p, n, PAIRED, ASSUMPTIONS[PAIRED])


def _over_groups(a: Sequence[float], b: Sequence[float], level: float) -> Difference:
    n, mean = len(a) + len(b), sum(a) / len(a) - sum(b) / len(b)
    if not all(map(math.isfinite, [*a, *b])):
        return Difference(mean, math.nan, math.nan, math.nan, n, NONE, DIVERGED)
    one, other = variance(a) / len(a), variance(b) / len(b)
    error = math.sqrt(one + other)
    degrees = 1.0
    if error > 0:
        degrees = (one + other) ** 2 / (one**2 / (len(a) - 1) + other**2 / (len(b) - 1))
    half = _quantile(degrees, level) * error
    p = _p(mean, error, degrees)
    return Difference(mean, mean - half, mean + half, p, n, WELCH, ASSUMPTIONS[WELCH])


def _quantile(degrees: float, level: float) -> float:
    """Give the t that a draw of Student's distribution exceeds on neither side, at this level."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def _p(mean: float, error: float, degrees: float) -> float:
    """Give the two-sided p; equal values have no spread, and any difference of them is certain."""
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return 2 * float(stdtr(degrees, -abs(mean) / error))
