"""Runs as tidy tables: one row a run, or one row an epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gdexp.stored.reader import Reader
from gdexp.stored.run import StoredRun

if TYPE_CHECKING:
    import pandas


def summary(runs: Sequence[StoredRun]) -> "pandas.DataFrame":
    """Lay runs out one a row.

    Returns
    -------
    DataFrame
        Index run (the id). Columns name, status, outcome, variant, sweep, start and seconds (of
        the whole run); then the parameters, as numbers where all of a column are, and the last
        value of each metric.
    """
    import pandas

    rows = [
        {
            "run": run.id,
            "name": run.name,
            "status": run.status,
            "outcome": run.tag("outcome"),
            "variant": run.tag("variant"),
            "sweep": run.tag("sweep_id"),
            "start": pandas.Timestamp(run.start, unit="ms", tz="UTC"),
            "seconds": None if run.end is None else (run.end - run.start) / 1000,
        }
        for run in runs
    ]
    params = pandas.DataFrame([run.params for run in runs], index=range(len(runs))).apply(_numbers)
    metrics = pandas.DataFrame([run.metrics for run in runs], index=range(len(runs)), dtype=float)
    table = pandas.concat([pandas.DataFrame(rows), params, metrics], axis=1)
    return table.set_index("run") if rows else table


def epochs(
    reader: Reader, runs: Sequence[StoredRun], metrics: Sequence[str] | None = None
) -> "pandas.DataFrame":
    """Lay runs out one epoch a row.

    Parameters
    ----------
    reader : Reader
    runs : sequence of StoredRun
    metrics : sequence of str, optional
        The columns that are wanted; None: all curves that there are.

    Returns
    -------
    DataFrame
        Columns run (the id), epoch, then one a metric; figures that are logged once, such as
        ``best/val_accuracy``, are in `summary`.
    """
    points = reader.histories([run.id for run in runs], metrics)
    curves = ~points["metric"].str.match(r"(?:best|final|time|by_update)/")
    # A point that came twice, as after a broken connection, counts once.
    points = points[curves].drop_duplicates(["run", "metric", "step"], keep="last")
    table = points.pivot(index=["run", "step"], columns="metric", values="value")
    table.columns.name = None
    order = {run.id: at for at, run in enumerate(runs)}
    table = table.reset_index().rename(columns={"step": "epoch"})
    return table.sort_values(
        ["run", "epoch"], key=lambda c: c.map(order) if c.name == "run" else c, ignore_index=True
    )


def _numbers(column: "pandas.Series") -> "pandas.Series":
    import pandas

    numbers = pandas.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().eq(column.notna()).all() else column
