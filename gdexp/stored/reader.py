"""Reading a store: what is asked of it, and which way in is taken."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from gdexp.errors import GdexpError
from gdexp.stored.run import StoredRun
from gdexp.tracking import moved
from gdexp.tracking.settings import Tracking

if TYPE_CHECKING:
    import pandas


class Reader(Protocol):
    """What a store can be asked for.

    Runs that were deleted are left out.
    """

    def experiments(self) -> list[str]:
        """Name the experiments that there are."""

    def runs(self, experiment: str | None = None) -> Iterator[StoredRun]:
        """Give an experiment's runs, or those of all, the latest first; read page by page."""

    def run(self, run_id: str) -> StoredRun | None:
        """Give one run by its whole id; None where there is none."""

    def digests(self, run_id: str) -> dict[str, str]:
        """Give the digests of a run's data sets, by what they were for, such as ``train``."""

    def histories(
        self, runs: Sequence[str], metrics: Sequence[str] | None = None
    ) -> "pandas.DataFrame":
        """Give every point of runs' metrics, of all metrics or of those that are named.

        Returns
        -------
        DataFrame
            Columns run, metric, step, value, time (ms since 1970), in the order of run, metric
            and step.
        """


def open_store(tracking: Tracking) -> Reader:
    """Open a store for reading.

    A database is read without MLflow, whose import alone takes seconds; a server through it.

    Raises
    ------
    GdexpError
        Where there is no such store, or it does not answer.
    """
    if tracking.uri is None:
        raise GdexpError("tracking.uri: nothing is stored with tracking=off. Name a store.")
    if tracking.database is not None and not tracking.database.exists():
        raise GdexpError(
            f"tracking.uri: there is no store at {tracking.database} yet. "
            "Run an experiment first: python -m gdexp"
        )
    tracking.check()
    if tracking.database is not None:
        moved.follow(tracking.database)
    if tracking.uri.startswith(("http", "databricks")):
        from gdexp.stored.client import ClientReader

        return ClientReader(tracking.uri)
    from gdexp.stored.sql import SqlReader

    return SqlReader(tracking.uri)
