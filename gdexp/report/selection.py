"""Which runs a report is about, which it leaves out, and by what it judges them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdexp.comparison import Variant, variants
from gdexp.errors import GdexpError
from gdexp.report.measures import Measure, judge
from gdexp.stored import StoredRun

FINISHED = "FINISHED"


@dataclass(frozen=True)
class Selection:
    """The runs of a report.

    Parameters
    ----------
    kept : sequence of StoredRun
        Those that finished, one a seed of each configuration, in an order of their own: that in
        which they came does not matter.
    left_out : sequence of StoredRun
        Those that did not finish.
    repeated : sequence of StoredRun
        Those that computed what another one computed, later.
    variants : sequence of Variant
        What was kept, by configuration; the best first.
    measure : Measure
        By which "best" is meant.
    """

    kept: Sequence[StoredRun]
    left_out: Sequence[StoredRun]
    repeated: Sequence[StoredRun]
    variants: Sequence[Variant]
    measure: Measure

    @property
    def why(self) -> str:
        """Say what was left out and why, in a sentence; empty where nothing was."""
        count = Counter(run.status for run in self.left_out)
        told = [f"{number} {status}" for status, number in sorted(count.items())]
        if self.repeated:
            told.append(f"{len(self.repeated)} repeated (same configuration and seed as a later)")
        return f"Left out: {', '.join(told)}." if told else ""


def select(runs: Sequence[StoredRun]) -> Selection:
    """Take the runs that finished, and set them out by configuration, the best first.

    Raises
    ------
    GdexpError
        Where none finished, or they share no figure by which to judge them.
    """
    finished = [run for run in runs if run.status == FINISHED]
    if not finished:
        raise GdexpError(_unfinished(runs))
    left_out = [run for run in runs if run.status != FINISHED]
    every = variants(sorted(finished, key=lambda run: run.id))
    single = [
        Variant(each.key, each.label, each.settings, tuple(each.by_seed.values())) for each in every
    ]
    kept = [run for each in single for run in each.runs]
    ids = {run.id for run in kept}
    measure = judge(kept)
    return Selection(
        kept,
        _ordered(left_out),
        _ordered(run for run in finished if run.id not in ids),
        sorted(single, key=measure.rank),  # stable: equals stay in the order of their labels
        measure,
    )


def _ordered(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return sorted(runs, key=lambda run: (run.start, run.id))


def _unfinished(runs: Sequence[StoredRun]) -> str:
    if not runs:
        return "report: no runs were given. Name some, or an experiment that has runs."
    count = Counter(run.status for run in runs)
    told = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
    return f"report: none of the {len(runs)} runs is FINISHED ({told}). Wait, or choose others."
