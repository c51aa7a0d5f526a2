"""What runs had reached when all of them had spent the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

AXES = {
    "updates": "progress/updates",
    "examples": "progress/examples",
    "seconds": "progress/seconds",
}


def least(epochs: "pandas.DataFrame", axis: str, without: Sequence[str] = ()) -> float:
    """Give how much all runs have spent: the least of their last values on an axis.

    Parameters
    ----------
    epochs : DataFrame
        As `gdexp.stored.epochs` gives it, with the axis among its columns.
    axis : {"updates", "examples", "seconds"}
    without : sequence of str
        Ids of runs that do not count, such as those that diverged: they ended before their time.

    Returns
    -------
    float
        NaN where no run has the axis, or none is left.
    """
    name = AXES[axis]
    if name not in epochs:
        return float("nan")
    last = epochs.groupby("run", sort=False)[name].max()
    return float(last.drop(index=[run for run in without if run in last.index]).min())


def at_equal(
    epochs: "pandas.DataFrame", axis: str, metric: str, budget: float | None = None
) -> "pandas.DataFrame":
    """Give what each run had reached when all of them had spent the same.

    The rule: a run's value is that of its last measurement at or before the budget. Nothing is
    interpolated, since between two epochs nobody has looked; a run that ended before counts with
    its last measurement.

    Parameters
    ----------
    epochs : DataFrame
        As `gdexp.stored.epochs` gives it, with the axis and the metric among its columns.
    axis : {"updates", "examples", "seconds"}
        Updates and examples that were seen in training, or seconds of training.
    metric : str
        The curve, such as ``val/accuracy``.
    budget : float, optional
        What was spent; None: the least of the runs' last values, see `least`.

    Returns
    -------
    DataFrame
        Index run (the id), in the order of `epochs`. Columns value, and at: where on the axis it
        was measured. NaN for a value that is missing there, as the cost of a run that diverged.
    """
    name = AXES[axis]
    spent = least(epochs, axis) if budget is None else budget
    if metric not in epochs or name not in epochs:
        missing = float("nan")
        return epochs[["run"]].drop_duplicates().set_index("run").assign(value=missing, at=missing)
    curves = epochs[["run", name, metric]].dropna(subset=[name])
    within = curves[curves[name] <= spent]
    last = within.drop_duplicates("run", keep="last").set_index("run")
    renamed = last.rename(columns={metric: "value", name: "at"})[["value", "at"]]
    return renamed.reindex(epochs["run"].drop_duplicates())
