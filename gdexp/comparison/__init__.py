"""Runs beside one another: variants, intervals and tests, equal axes, conventions of η."""

from gdexp.comparison.axes import AXES, at_equal, least
from gdexp.comparison.conventions import (
    Course,
    Reversal,
    Twins,
    Winner,
    apart,
    convert,
    reversal,
    same_descent,
    uneven,
)
from gdexp.comparison.statistics import Difference, Interval, holm, interval, paired
from gdexp.comparison.variants import Variant, common, differing, label, natural, variants

__all__ = [
    "AXES",
    "Course",
    "Difference",
    "Interval",
    "Reversal",
    "Twins",
    "Variant",
    "Winner",
    "apart",
    "at_equal",
    "common",
    "convert",
    "differing",
    "holm",
    "interval",
    "label",
    "least",
    "natural",
    "paired",
    "reversal",
    "same_descent",
    "uneven",
    "variants",
]
