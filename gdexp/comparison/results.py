"""What runs reached, as tables: one row a run, and one row a variant with its seeds together."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gdexp.comparison.axes import AXES, at_equal, least
from gdexp.comparison.statistics import Difference, Interval, holm, interval, paired
from gdexp.comparison.variants import Variant, variants
from gdexp.errors import GdexpError
from gdexp.stored import Reader, StoredRun, epochs

if TYPE_CHECKING:
    import pandas

# Curves by which runs are compared: the first that all of them have.
JUDGES = ("val/accuracy", "train/accuracy", "val/cost_mean", "train/cost_mean")
REACHED = ("best", "final", *(f"at_{axis}" for axis in AXES))
DONE = "FINISHED"


@dataclass(frozen=True)
class Comparison:
    """Runs beside one another.

    Parameters
    ----------
    metric : str
        The curve by which they are compared, such as ``val/accuracy``.
    by : str
        The column of `REACHED` by which variants are ordered and tested.
    variants : list of Variant
        The best first.
    each : DataFrame
        One row a run that counts: index run; columns variant (its key), label, seed, those of
        `REACHED`, the place on each axis where its value was measured (``updates_at``...), seconds
        (of training) and outcome.
    intervals : dict of str to dict of str to Interval
        By a variant's key, then by a column of `REACHED`, and seconds.
    differences : dict of str to Difference
        Of each variant but the best from the best, by its key; p is corrected by `holm`.
    budgets : dict of str to float
        What all had spent on each axis.
    left_out : list of StoredRun
        Runs that are not finished.
    """

    metric: str
    by: str
    variants: list[Variant]
    each: "pandas.DataFrame"
    intervals: dict[str, dict[str, Interval]]
    differences: dict[str, Difference]
    budgets: dict[str, float]
    left_out: list[StoredRun]

    @property
    def higher(self) -> bool:
        """Whether higher values are better."""
        return higher_is_better(self.metric)

    def reached(self, column: str) -> dict[str, dict[Hashable, float]]:
        """Give a column of `each` by variant and seed."""
        found: dict[str, dict[Hashable, float]] = {}
        for key, seed, value in self.each[["variant", "seed", column]].itertuples(index=False):
            found.setdefault(key, {})[seed] = value
        return found

    def outcomes(self, variant: Variant) -> dict[str, int]:
        """Count how a variant's runs ended."""
        return dict(Counter(run.tag("outcome") or "?" for run in variant.by_seed.values()))


def higher_is_better(metric: str) -> bool:
    """Say whether a curve is to rise: an accuracy, not a cost."""
    return "accuracy" in metric or metric.startswith("recall/")


def compare(
    reader: Reader, runs: Sequence[StoredRun], metric: str | None = None, by: str = "best"
) -> Comparison:
    """Lay runs out beside one another.

    Parameters
    ----------
    reader : Reader
        The store that they are of.
    runs : sequence of StoredRun
        Those that are not finished are left out; of those that repeat a seed, all but the latest.
    metric : str, optional
        A curve that all have; None: the first of `JUDGES`.
    by : str
        A column of `REACHED`.

    Raises
    ------
    GdexpError
        Where no run is finished, or they share no such curve.
    """
    done = [run for run in runs if run.status == DONE]
    if not done:
        told = ", ".join(f"{n} {status}" for status, n in _statuses(runs).items())
        raise GdexpError(
            f"none of the {len(runs)} runs is finished ({told}). Name others, or wait."
        )
    curve = _shared(done, metric)
    found = variants(done)
    chosen = [run for variant in found for run in variant.by_seed.values()]
    curves = epochs(reader, chosen, [*AXES.values(), curve])
    diverged = [run.id for run in chosen if run.tag("outcome") == "diverged"]
    without = diverged if len(diverged) < len(chosen) else []
    budgets = {axis: least(curves, axis, without) for axis in AXES}
    each = _rows(found, curves, curve, budgets)
    intervals = {key: _intervals(rows) for key, rows in each.groupby("variant", sort=False)}
    ordered = _best_first(found, intervals, by, higher_is_better(curve))
    left_out = [run for run in runs if run.status != DONE]
    bare = Comparison(curve, by, ordered, each, intervals, {}, budgets, left_out)
    return _tested(bare)


def _statuses(runs: Sequence[StoredRun]) -> dict[str, int]:
    return dict(Counter(run.status for run in runs))


def _shared(runs: Sequence[StoredRun], metric: str | None) -> str:
    asked = JUDGES if metric is None else (metric,)
    for name in asked:
        if all(name in run.metrics or _lost(run, name) for run in runs):
            return name
    if metric is None:
        raise GdexpError(
            f"the {len(runs)} runs share no metric of {', '.join(JUDGES)}. "
            "Name runs of one kind, or another curve with --metric."
        )
    lacking = next(run for run in runs if metric not in run.metrics)
    known = [name for name in runs[0].metrics if all(name in run.metrics for run in runs)]
    curves = sorted(name for name in known if name.split("/")[0] in ("train", "val", "test"))
    raise GdexpError(
        f"--metric: run {lacking.id[:8]} has no {metric!r}. "
        f"All runs have {', '.join(curves) or 'none in common'}."
    )


def _lost(run: StoredRun, name: str) -> bool:
    """Say whether a cost is missing because it never was a finite number."""
    return run.tag("outcome") == "diverged" and "cost" in name


def _rows(
    found: Sequence[Variant],
    curves: "pandas.DataFrame",
    metric: str,
    budgets: Mapping[str, float],
) -> "pandas.DataFrame":
    import pandas

    higher = higher_is_better(metric)
    if metric not in curves:  # all diverged at once
        curves = curves.assign(**{metric: math.nan})
    per_run = curves.groupby("run", sort=False)[metric]
    best = per_run.max() if higher else per_run.min()
    rows = [
        {"run": run.id, "variant": variant.key, "label": variant.label, "seed": seed}
        | _reached(run, metric, float(best.get(run.id, math.nan)))
        for variant in found
        for seed, run in variant.by_seed.items()
    ]
    table = pandas.DataFrame(rows).set_index("run")
    for axis in AXES:
        reached = at_equal(curves, axis, metric, budgets[axis]).reindex(table.index)
        lost = reached["value"].isna() & (table["outcome"] == "diverged")
        table[f"at_{axis}"] = reached["value"].mask(lost, math.nan if higher else math.inf)
        table[f"{axis}_at"] = reached["at"]
    return table


def _reached(run: StoredRun, metric: str, measured: float) -> dict[str, Any]:
    """Give what a run says of itself; `measured` is the best of the epochs that are stored."""
    return {
        "best": run.metrics.get(f"best/{metric.replace('/', '_', 1)}", measured),  # of all epochs
        "final": math.inf if _lost(run, metric) else run.metrics[metric],
        "seconds": run.metrics.get("time/train_seconds", math.nan),
        "outcome": run.tag("outcome"),
    }


def _intervals(rows: "pandas.DataFrame") -> dict[str, Interval]:
    return {column: interval(rows[column].tolist()) for column in (*REACHED, "seconds")}


def _best_first(
    found: Sequence[Variant],
    intervals: Mapping[str, Mapping[str, Interval]],
    by: str,
    higher: bool,
) -> list[Variant]:
    def worse(variant: Variant) -> float:
        mean = intervals[variant.key][by].mean
        return math.inf if math.isnan(mean) else (-mean if higher else mean)

    return sorted(found, key=worse)


def _tested(bare: Comparison) -> Comparison:
    """Test every variant against the best."""
    reached = bare.reached(bare.by)
    best, *others = [variant.key for variant in bare.variants]
    found = [paired(reached[key], reached[best]) for key in others]
    corrected = holm([each.p for each in found])
    differences = {
        key: replace(each, p=p) for key, each, p in zip(others, found, corrected, strict=True)
    }
    return replace(bare, differences=differences)
