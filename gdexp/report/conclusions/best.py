"""Which configuration is best."""

from collections.abc import Iterator, Sequence

from gdexp.comparison import Difference, holm, paired
from gdexp.report.conclusions.conclusion import (
    LEAST_SEEDS,
    Conclusion,
    Evidence,
    by_seed,
    named,
)

LEVEL = 0.05


def best(evidence: Evidence) -> Iterator[Conclusion]:
    """Say which configuration is best, and which others cannot be told from it."""
    measure, firm = evidence.measure, evidence.firm
    if len(firm) < 2:
        return
    first, *others = firm
    values = {run.id: measure.value(run) for each in firm for run in each.runs}
    tests = [paired(by_seed(first, values), by_seed(each, values)) for each in others]
    corrected = holm([each.p for each in tests])
    alike = [each.label for each, p in zip(others, corrected, strict=True) if not p < LEVEL]
    found = measure.interval(first)
    yield Conclusion(
        f"{first.label} comes out best: {measure.words} {measure.spread(found)}, the mean of "
        f"{found.n} seeds.",
        f"Of the {len(firm)} configurations with at least {LEAST_SEEDS} seeds, none of which "
        f"diverged, the best mean; ± is half the 95 % interval. Each other is compared with it by "
        f"{_tests(tests)}, with p corrected for {len(tests)} comparisons after Holm; worse means "
        f"p < {LEVEL:g}. Assumed: {tests[0].assumption}. Being chosen as the best, it looks a "
        "little better than it is.",
        _told_apart(len(others), alike),
    )


def _told_apart(others: int, alike: Sequence[str]) -> list[str]:
    worse = others - len(alike)
    told = []
    if worse:
        told.append(
            f"{worse} of {others} others {'is' if worse == 1 else 'are'} worse, beyond chance."
        )
    if alike:
        told.append(f"{len(alike)} cannot be told from it: {named(alike)}.")
    return told


def _tests(tests: Sequence[Difference]) -> str:
    return " or ".join(sorted({f"the {each.test}".replace("the Welch", "Welch") for each in tests}))
