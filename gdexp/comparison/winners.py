"""Which setting wins at equal η, and whether that depends on the convention of η."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gdexp.comparison.conventions import DIGITS, OF_ENGINE, OF_SCALING, Course
from gdexp.comparison.statistics import Difference, paired
from gdexp.comparison.variants import Variant, label
from gdexp.descent.scaling import CONVENTIONS

Values = Mapping[Hashable, float]  # by seed


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
