"""Which learning rate is best."""

import math
from collections.abc import Iterator

from gdexp.report.conclusions.conclusion import (
    LEAST_SEEDS,
    MOST_NAMED,
    Conclusion,
    Evidence,
)
from gdexp.report.measures import Measure
from gdexp.report.sensitivity import Line


def rates(evidence: Evidence) -> Iterator[Conclusion]:
    """Say of lines of learning rates which is best, and whether the best may lie beyond."""
    lines = [line for line in evidence.lines if len(line.etas) > 2]
    firm = [line for line in lines if all(each.n >= LEAST_SEEDS for each in line.found)]
    if lines and not firm:
        yield Conclusion(
            "No conclusion on which learning rate is best: there are too few seeds.",
            f"Each learning rate must have {LEAST_SEEDS} seeds or more.",
        )
    told = [_rate(line, evidence.measure) for line in firm[:MOST_NAMED]]
    if told:
        yield Conclusion(
            "The learning rate:",
            f"Per line of learning rates, that with the best mean {evidence.measure.words}; at an "
            "end of what was tried, the best may lie beyond. No test is made between neighbours.",
            told,
        )


def _rate(line: Line, measure: Measure) -> str:
    sign = -1 if measure.higher else 1
    means = [math.inf if math.isnan(each.mean) else sign * each.mean for each in line.found]
    at = min(range(len(means)), key=means.__getitem__)
    found = f"{line.label}: eta={line.etas[at]:g} is the best of {len(line.etas)}"
    if at == 0:
        return f"{found}, and the smallest: smaller ones may be better."
    if at == len(means) - 1:
        return f"{found}, and the largest: larger ones may be better."
    return f"{found}, from {line.etas[0]:g} to {line.etas[-1]:g}."
