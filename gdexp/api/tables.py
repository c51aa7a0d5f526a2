"""Stored runs as tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gdexp.commands.words import tracking_of
from gdexp.stored import find, frames, open_store
from gdexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import pandas


def runs(
    *references: str,
    where: str = "",
    experiment: str | None = None,
    uri: str | None = None,
) -> "pandas.DataFrame":
    """Give stored runs as a tidy table, one row a run.

    Parameters
    ----------
    *references : str
        Ids of runs or their beginnings, output folders, names, ``latest``; none: all runs.
    where : str
        Conditions, such as ``"optimizer=sgd and eta>=1"``; see `gdexp.stored.Where`.
    experiment, uri : str, optional
        As ``tracking.experiment`` and ``tracking.uri`` of a run; by default the same as there.

    Returns
    -------
    DataFrame
        See `gdexp.stored.summary`.

    Raises
    ------
    GdexpError
        Where there is no store, or no such run.
    """
    tracking = _tracking(uri, experiment)
    reader = open_store(tracking)
    return frames.summary(find(reader, references, where, tracking.experiment))


def epochs(
    *references: str,
    where: str = "",
    metrics: Sequence[str] | None = None,
    experiment: str | None = None,
    uri: str | None = None,
) -> "pandas.DataFrame":
    """Give the curves of stored runs as a tidy table, one row an epoch of a run; see `runs`.

    Parameters
    ----------
    metrics : sequence of str, optional
        The curves that are wanted, such as ``["val/accuracy"]``; None: all.

    Returns
    -------
    DataFrame
        See `gdexp.stored.epochs`.
    """
    tracking = _tracking(uri, experiment)
    reader = open_store(tracking)
    return frames.epochs(reader, find(reader, references, where, tracking.experiment), metrics)


def _tracking(uri: str | None, experiment: str | None) -> Tracking:
    given = {"tracking.uri": uri, "tracking.experiment": experiment}
    return tracking_of({name: value for name, value in given.items() if value is not None})
