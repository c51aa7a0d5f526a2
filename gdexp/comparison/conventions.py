"""The same descent under two conventions of η, and comparisons that depend on the convention.

Under ``scaling.update=mean`` an update is v → v − η/m Σ ∇C_x, under ``sum`` v → v − η Σ ∇C_x, so
that η under ``mean`` is η/m under ``sum``. ``scaling.cost`` changes which figure is called the
cost, and nothing of the descent. See docs/conventions.md.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdexp.comparison.statistics import Difference, paired
from gdexp.comparison.variants import SEEDS, Variant, counts, label
from gdexp.descent.scaling import CONVENTIONS, Scaling
from gdexp.errors import SettingError, one_of, real, whole
from gdexp.stored import StoredRun

if TYPE_CHECKING:
    import pandas

OF_SCALING = ("scaling", "scaling.cost", "scaling.update")
OF_ENGINE = ("engine.used", "engine.precision")  # the same descent, but for rounding
DIGITS = 9  # of η, to which learning rates are equal: 0.1 · 3 is 0.30000000000000004
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}

Values = Mapping[Hashable, float]  # by seed


@dataclass(frozen=True)
class Course:
    """A descent, whichever convention it is written in.

    Parameters
    ----------
    setting : frozenset of (str, str)
        All that is computed, but for η, the conventions, the engine and the seed.
    rates : mapping of str to float
        η under ``mean`` and under ``sum``.
    """

    setting: frozenset[tuple[str, str]]
    rates: Mapping[str, float]

    @classmethod
    def of(cls, run: StoredRun) -> "Course | None":
        """Read it from a run's parameters; None where it has no other convention, as with clip."""
        here = run.params.get("scaling.update")
        try:
            eta, other = (float(run.params[name]) for name in ("eta", "eta_other_convention"))
        except (KeyError, ValueError):
            return None
        if here not in CONVENTIONS:
            return None
        (there,) = set(CONVENTIONS) - {here}
        left_out = {"eta", *OF_SCALING, *OF_ENGINE, *SEEDS}
        setting = frozenset(
            (name, value)
            for name, value in run.params.items()
            if counts(name) and name not in left_out
        )
        return cls(setting, {here: eta, there: other})

    def rate(self, convention: str) -> str:
        """Give η under a convention, in as many digits as two of them must share."""
        return f"{self.rates[convention]:.{DIGITS}g}"

    @property
    def m(self) -> float:
        """The factor between the conventions: m, or 1 for rules that undo it."""
        return self.rates["mean"] / self.rates["sum"]


@dataclass(frozen=True)
class Twins:
    """Two variants that are one descent under two conventions."""

    one: Variant
    other: Variant

    @property
    def pairs(self) -> list[tuple[StoredRun, StoredRun]]:
        """Their runs of equal seeds."""
        one, other = self.one.by_seed, self.other.by_seed
        return [(one[seed], other[seed]) for seed in one if seed in other]

    @property
    def tolerance(self) -> float:
        """To what their curves agree where rounding is all that differs: half of its digits."""
        found = [run.params.get("engine.precision", "") for pair in self.pairs for run in pair]
        return math.sqrt(max((EPSILON.get(name, EPSILON["float32"]) for name in found), default=0))

    @property
    def engines(self) -> list[str]:
        """The engines that carried them out."""
        found = (run.params.get("engine.used", "") for pair in self.pairs for run in pair)
        return sorted(set(found))


@dataclass(frozen=True)
class Winner:
    """Which setting is best at one η under one convention.

    Parameters
    ----------
    convention : {"mean", "sum"}
    eta : float
        The learning rate, under that convention, at which all are compared.
    label, second : str
        The best setting, and the next.
    lead : Difference
        Of the best over the next; positive in the sense of "better".
    """

    convention: str
    eta: float
    label: str
    second: str
    lead: Difference


@dataclass(frozen=True)
class Reversal:
    """The winners under both conventions; None where no two settings share an η.

    Parameters
    ----------
    mean, sum : Winner or None
    """

    mean: Winner | None
    sum: Winner | None

    @property
    def changes(self) -> bool:
        """Whether the winner changes with the convention of η: each leads, and they differ."""
        if self.mean is None or self.sum is None:
            return False
        leads = self.mean.lead.mean > 0 and self.sum.lead.mean > 0
        return leads and self.mean.label != self.sum.label


def same_descent(variants: Sequence[Variant]) -> list[Twins]:
    """Find variants that are the same descent under two conventions, of η or of the cost.

    They have the same settings, but for scaling, engine and seed; and learning rates that are
    equal, to `DIGITS` digits, when expressed in one convention.
    """
    first: dict[Hashable, Variant] = {}
    found = []
    for variant in variants:
        course = Course.of(variant.runs[0])
        if course is None:
            continue
        one = first.setdefault((course.setting, course.rate("mean")), variant)
        if _conventions(one) != _conventions(variant):
            found.append(Twins(one, variant))
    return [twins for twins in found if twins.pairs]


def apart(epochs: "pandas.DataFrame", one: str, other: str) -> tuple[float, float]:
    """Say how far two runs' curves are apart, at worst over the epochs that both measured.

    Parameters
    ----------
    epochs : DataFrame
        As `gdexp.stored.epochs` gives it, with costs and accuracies among its columns.
    one, other : str
        Ids.

    Returns
    -------
    cost : float
        |a − b|/max(|a|, |b|) of the mean costs, of whichever set it is largest.
    accuracy : float
        |a − b| of the accuracies; NaN where there are none.
    """
    costs = [name for name in epochs if name.endswith("/cost_mean")]
    shares = [name for name in epochs if name.endswith("/accuracy")]
    a, b = (epochs[epochs["run"] == each].set_index("epoch") for each in (one, other))
    a, b = a[costs + shares].align(b[costs + shares], join="inner")
    gap, size = (a - b).abs(), a.abs().where(a.abs() >= b.abs(), b.abs())
    cost = (gap[costs] / size[costs].where(size[costs] > 0, 1.0)).max(axis=None)
    return float(cost), float(gap[shares].max(axis=None)) if shares else math.nan


def uneven(run: StoredRun) -> int:
    """Give the size of each epoch's last mini-batch where it is smaller than m; else 0.

    There the two conventions are not quite the same descent: see `gdexp.descent.Scaling`.
    """
    if run.params.get("optimizer.last") != "keep":
        return 0
    total, mean = (run.metrics.get(f"final/train_cost_{name}", 0.0) for name in ("sum", "mean"))
    n = round(total / mean) if mean else 0
    return n % int(run.params.get("batch", 1))


def reversal(
    variants: Sequence[Variant], reached: Mapping[str, Values], *, higher: bool
) -> Reversal:
    """Find which setting wins at equal η, under each of the two conventions.

    Whoever compares batch sizes at one learning rate holds η fixed, under one convention or the
    other; that is not the same comparison, as m differs. A convention's winner is found like this:

    1. Every variant's η is expressed in the convention. A setting is all that a variant is but for
       η, conventions, engine and seed; variants that are the same descent are pooled.
    2. Learning rates are considered at which at least two settings of different m stand, and of
       these the ones at which most do.
    3. Of these that η is taken at which the settings do best on average: one η that suits all.
    4. The winner is the setting with the best mean over its seeds there.

    Parameters
    ----------
    variants : sequence of Variant
    reached : mapping of str to mapping of seed to float
        What each variant's seeds reached, by the variant's key.
    higher : bool
        Whether higher values are better.
    """
    found = [_winner(convention, variants, reached, higher) for convention in CONVENTIONS]
    return Reversal(*found)


def convert(eta: float, m: int | None, n: int | None, from_: str, to: str) -> float:
    """Give the learning rate of the same descent under another convention of the update.

    Parameters
    ----------
    eta : float
        η > 0 under the convention `from_`.
    m : int or None
        Examples of an update; None: all n.
    n : int or None
        Training examples; needed where m is None.
    from_, to : {"mean", "sum"}

    Returns
    -------
    float
        η/m from mean to sum, η m from sum to mean, η where both are the same.

    Raises
    ------
    SettingError
        Where a value is not allowed.
    """
    real("eta", eta, "3.0")
    one_of("from", from_, CONVENTIONS)
    one_of("to", to, CONVENTIONS)
    if n is not None:
        whole("n", n, 1, "50000")
    if m is None and n is None:
        raise SettingError("n", "given where an update sees all n examples", None, "50000")
    size = whole("batch", n if m is None else m, 1, "10")
    if n is not None and size > n:
        raise SettingError("batch", f"at most the n={n} training examples", size, str(n))
    return eta if from_ == to else Scaling(update=from_).other_eta(eta, size)


def _conventions(variant: Variant) -> tuple[str | None, ...]:
    return tuple(variant.runs[0].params.get(name) for name in OF_SCALING[1:])


def _winner(
    convention: str, variants: Sequence[Variant], reached: Mapping[str, Values], higher: bool
) -> Winner | None:
    sign = 1 if higher else -1
    slices = _slices(convention, variants, reached)
    most = max((len(each) for each in slices.values()), default=0)
    fullest = {eta: each for eta, each in slices.items() if len(each) == most}
    if not fullest:
        return None

    def merit(values: Values) -> float:
        mean = sign * sum(values.values()) / len(values)
        return -math.inf if math.isnan(mean) else mean

    eta, best = max(fullest.items(), key=lambda s: sum(map(merit, s[1].values())) / len(s[1]))
    (one, won), (two, lost), *_ = sorted(best.items(), key=lambda each: -merit(each[1]))
    lead = paired(
        {seed: sign * value for seed, value in won.items()},
        {seed: sign * value for seed, value in lost.items()},
    )
    return Winner(convention, float(eta), one, two, lead)


def _slices(
    convention: str, variants: Sequence[Variant], reached: Mapping[str, Values]
) -> dict[str, dict[str, Values]]:
    """Give what settings reached, by η under a convention, then by the setting's label."""
    found: dict[str, dict[str, Values]] = {}
    sizes: dict[str, set[str]] = {}
    names = _names(variants)
    for variant in variants:
        course = Course.of(variant.runs[0])
        if course is None or not reached.get(variant.key):
            continue
        at = found.setdefault(course.rate(convention), {})
        setting = label(variant.settings, names)
        at[setting] = {**at.get(setting, {}), **reached[variant.key]}
        sizes.setdefault(course.rate(convention), set()).add(f"{course.m:.{DIGITS}g}")
    return {eta: each for eta, each in found.items() if len(sizes[eta]) > 1}


def _names(variants: Iterable[Variant]) -> list[str]:
    """Name what tells settings apart, whatever their η, convention and engine."""
    names = {name: None for variant in variants for name in variant.settings}
    return [name for name in names if name not in ("eta", *OF_SCALING, *OF_ENGINE)]
