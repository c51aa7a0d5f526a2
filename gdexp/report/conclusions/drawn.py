"""All conclusions that figures allow, in the order in which they are told."""

from gdexp.report.conclusions.best import best
from gdexp.report.conclusions.conclusion import LEAST_SEEDS, Conclusion, Evidence
from gdexp.report.conclusions.conventions import of_conventions
from gdexp.report.conclusions.outcomes import outcomes
from gdexp.report.conclusions.rates import rates
from gdexp.report.conclusions.spent import fastest, leading


def conclusions(evidence: Evidence) -> list[Conclusion]:
    """Draw all conclusions that the figures allow."""
    if len(evidence.variants) > 1 and len(evidence.firm) < 2:
        return [_too_few(evidence), *outcomes(evidence), *of_conventions(evidence)]
    drawn = [*best(evidence), *leading(evidence), *fastest(evidence)]
    return [*drawn, *rates(evidence), *outcomes(evidence), *of_conventions(evidence)]


def _too_few(evidence: Evidence) -> Conclusion:
    firm, count = len(evidence.firm), len(evidence.variants)
    return Conclusion(
        "No conclusion on which configuration is best or fastest, or on the learning rate: "
        f"{firm or 'none'} of the {count} configurations {'has' if firm < 2 else 'have'} "
        f"{LEAST_SEEDS} seeds or more.",
        f"At least two configurations must have {LEAST_SEEDS} seeds or more, none of which "
        "diverged. With fewer, a difference cannot be told from chance. Run more, such as with "
        "seed=0,1,2,3,4.",
    )
