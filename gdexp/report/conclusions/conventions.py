"""What the conventions of η have to do with it."""

import math
from collections.abc import Iterator

from gdexp.comparison import apart, reversal, same_descent
from gdexp.report.conclusions.conclusion import MOST_NAMED, Conclusion, Evidence


def of_conventions(evidence: Evidence) -> Iterator[Conclusion]:
    """Name descents that are the same, and winners that are not, under the two conventions."""
    yield from _same(evidence)
    yield from _turned(evidence)


def _same(evidence: Evidence) -> Iterator[Conclusion]:
    for twins in same_descent(evidence.variants)[:MOST_NAMED]:
        found = max(apart(evidence.epochs, one.id, other.id)[0] for one, other in twins.pairs)
        if math.isnan(found):
            continue
        agree = "agree to" if found <= twins.tolerance else "are apart by"
        yield Conclusion(
            f"{twins.one.label} and {twins.other.label} are the same descent under two "
            f"conventions; their costs {agree} {found:.1e}.",
            "Same settings, and learning rates that are equal when written in one convention; the "
            "largest relative difference of their mean costs, over all epochs and equal seeds. "
            f"To {twins.tolerance:.1e} it is taken for rounding.",
        )


def _turned(evidence: Evidence) -> Iterator[Conclusion]:
    measure = evidence.measure
    reached = {
        each.key: {seed: measure.value(run) for seed, run in each.by_seed.items()}
        for each in evidence.firm
    }
    turned = reversal(evidence.firm, reached, higher=measure.higher)
    if turned.changes and turned.mean and turned.sum:
        yield Conclusion(
            "Which setting wins at one learning rate depends on the convention of eta: under mean "
            f"{turned.mean.label} (eta={turned.mean.eta:g}), under sum {turned.sum.label} "
            f"(eta={turned.sum.eta:g}).",
            "At the learning rate that most settings of different m share under a convention, and "
            "at which they do best on average, the best mean over seeds.",
        )
