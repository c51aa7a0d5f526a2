"""Runs beside one another: variants, intervals and tests, equal axes, conventions of η."""

from gdexp.comparison.axes import AXES, at_equal, least
from gdexp.comparison.conventions import Course, convert
from gdexp.comparison.differences import Aspect, beside, by_update, settings, trajectories
from gdexp.comparison.findings import findings, method
from gdexp.comparison.parting import Gap, Parting, gaps, parting, shared
from gdexp.comparison.results import REACHED, Comparison, compare
from gdexp.comparison.statistics import Difference, Interval, holm, interval, paired
from gdexp.comparison.table import by_run, by_variant
from gdexp.comparison.twins import Twins, apart, same_descent, uneven
from gdexp.comparison.variants import Variant, common, differing, label, natural, variants
from gdexp.comparison.winners import Reversal, Winner, reversal

__all__ = [
    "AXES",
    "REACHED",
    "Aspect",
    "Comparison",
    "Course",
    "Difference",
    "Gap",
    "Interval",
    "Parting",
    "Reversal",
    "Twins",
    "Variant",
    "Winner",
    "apart",
    "at_equal",
    "beside",
    "by_run",
    "by_update",
    "by_variant",
    "common",
    "compare",
    "convert",
    "differing",
    "findings",
    "gaps",
    "holm",
    "interval",
    "label",
    "least",
    "method",
    "natural",
    "paired",
    "parting",
    "reversal",
    "same_descent",
    "settings",
    "shared",
    "trajectories",
    "uneven",
    "variants",
]
