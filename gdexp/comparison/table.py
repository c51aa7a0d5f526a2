"""A comparison as one flat table of numbers: for CSV, JSON and Markdown."""

import math
from typing import TYPE_CHECKING, Any

from gdexp.comparison.axes import AXES
from gdexp.comparison.results import REACHED, Comparison
from gdexp.comparison.variants import Variant

if TYPE_CHECKING:
    import pandas


def by_variant(comparison: Comparison) -> "pandas.DataFrame":
    """Lay variants out one a row, the best first.

    Returns
    -------
    DataFrame
        Columns variant (its label), the settings that differ, runs (seeds), then for best, final,
        at_updates, at_examples, at_seconds and seconds the mean and its interval (``best_low``,
        ``best_high``); the difference from the best variant with its interval, p and test;
        diverged (how many).
    """
    import pandas

    return pandas.DataFrame([_row(comparison, variant) for variant in comparison.variants])


def by_run(comparison: Comparison) -> "pandas.DataFrame":
    """Lay runs out one a row, those of the best variant first: id, settings, what was reached."""
    import pandas

    rows = []
    for variant in comparison.variants:
        for run in variant.by_seed.values():
            row = comparison.each.loc[run.id]
            values = {name: row[name] for name in (*REACHED, *(f"{a}_at" for a in AXES), "seconds")}
            rows.append(
                {
                    "run": run.id,
                    "name": run.name,
                    "variant": variant.label,
                    **_settings(variant),
                    "seed": row["seed"],
                    **values,
                    "outcome": row["outcome"],
                }
            )
    return pandas.DataFrame(rows)


def _row(comparison: Comparison, variant: Variant) -> dict[str, Any]:
    intervals = comparison.intervals[variant.key]
    row: dict[str, Any] = {"variant": variant.label, **_settings(variant)}
    row["runs"] = intervals["best"].n
    for name, found in intervals.items():
        row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    difference = comparison.differences.get(variant.key)
    for name in ("mean", "low", "high", "p", "test"):
        title = name if name in ("p", "test") else f"difference_{name}".removesuffix("_mean")
        row[title] = getattr(difference, name, "" if name == "test" else math.nan)
    row["diverged"] = comparison.outcomes(variant).get("diverged", 0)
    return row


def _settings(variant: Variant) -> dict[str, str]:
    return dict(variant.settings)
