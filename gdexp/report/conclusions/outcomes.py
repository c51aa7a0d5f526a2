"""What ended as it should not."""

from collections import Counter
from collections.abc import Iterator

from gdexp.report.conclusions.conclusion import Conclusion, Evidence, named


def outcomes(evidence: Evidence) -> Iterator[Conclusion]:
    """Count the runs that diverged, and those that lost classes."""
    names = {"diverged": "diverged", "lost_class": "lost whole classes"}
    runs = sum(len(each.runs) for each in evidence.variants)
    for outcome, words in names.items():
        hit = Counter(
            {
                each.label: sum(run.tag("outcome") == outcome for run in each.runs)
                for each in evidence.variants
            }
        )
        count = sum(hit.values())
        if count:
            labels = [label for label, number in hit.most_common() if number]
            yield Conclusion(
                f"{count} of {runs} runs {words}: {named(labels)}.",
                f"Counted by the tag gdexp.outcome = {outcome}, which each run sets at its end. "
                + (
                    "What diverged has no result, and its configuration no mean."
                    if outcome == "diverged"
                    else "They count in all means."
                ),
            )
