"""A store in a database, read as it lies there: importing MLflow would take longer than the work.

The tables are MLflow's own, of which no promise is made; a test holds that what is read here is
what MLflow's client answers.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, bindparam, column, create_engine, select, table
from sqlalchemy.exc import SQLAlchemyError

from gdexp.errors import GdexpError
from gdexp.stored.run import CONTEXT, StoredRun
from gdexp.tracking.settings import masked

if TYPE_CHECKING:
    import pandas

PAGE = 500  # runs that are read at once


def _table(name: str, *columns: str) -> Any:
    return table(name, *map(column, columns))


EXPERIMENTS = _table("experiments", "experiment_id", "name", "lifecycle_stage")
RUNS = _table(
    "runs",
    *("run_uuid", "experiment_id", "name", "status", "start_time", "end_time"),
    *("lifecycle_stage", "artifact_uri"),
)
PARAMS = _table("params", "run_uuid", "key", "value")
TAGS = _table("tags", "run_uuid", "key", "value")
LATEST = _table("latest_metrics", "run_uuid", "key", "value", "is_nan")
METRICS = _table("metrics", "run_uuid", "key", "step", "value", "timestamp", "is_nan")
DATASETS = _table("datasets", "dataset_uuid", "digest")
INPUTS = _table("inputs", "input_uuid", "source_type", "source_id", "destination_id")
INPUT_TAGS = _table("input_tags", "input_uuid", "name", "value")
ACTIVE = "active"


class SqlReader:
    """Reads runs from a database that MLflow tracks to.

    Parameters
    ----------
    uri : str
        As MLflow and SQLAlchemy take it.

    Raises
    ------
    GdexpError
        From every method, where the database cannot be read, or is not a store of MLflow's.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        try:
            self._engine = create_engine(uri)
        except (SQLAlchemyError, ImportError) as error:  # ImportError: its driver
            raise self._unreadable(error) from None

    def experiments(self) -> list[str]:
        """Name the experiments that there are."""
        asked = select(EXPERIMENTS.c.name).where(EXPERIMENTS.c.lifecycle_stage == ACTIVE)
        return [name for (name,) in self._all(asked.order_by(EXPERIMENTS.c.experiment_id))]

    def runs(self, experiment: str | None = None) -> Iterator[StoredRun]:
        """Give an experiment's runs, or those of all, the latest first; read page by page."""
        asked = _runs().order_by(RUNS.c.start_time.desc(), RUNS.c.run_uuid)
        if experiment is not None:
            asked = asked.where(EXPERIMENTS.c.name == experiment)
        first = 0
        while rows := self._all(asked.limit(PAGE).offset(first)):
            yield from self._filled(rows)
            first += PAGE

    def run(self, run_id: str) -> StoredRun | None:
        """Give one run by its whole id; None where there is none."""
        return next(iter(self._filled(self._all(_runs().where(RUNS.c.run_uuid == run_id)))), None)

    def digests(self, run_id: str) -> dict[str, str]:
        """Give the digests of a run's data sets, by what they were for; see `Reader.digests`."""
        of, tags = INPUTS.c, INPUT_TAGS.c
        asked = select(tags.value, DATASETS.c.digest).where(
            of.destination_id == run_id,
            of.source_type == "DATASET",
            of.source_id == DATASETS.c.dataset_uuid,
            of.input_uuid == tags.input_uuid,
            tags.name == CONTEXT,
        )
        return dict(map(tuple, self._all(asked)))

    def histories(
        self, runs: Sequence[str], metrics: Sequence[str] | None = None
    ) -> "pandas.DataFrame":
        """Give every point of runs' metrics; see `Reader.histories`."""
        import pandas

        m = METRICS.c
        asked = select(m.run_uuid, m.key, m.step, m.value, m.timestamp, m.is_nan)
        asked = asked.where(m.run_uuid.in_(bindparam("ids", expanding=True)))
        if metrics is not None:
            asked = asked.where(m.key.in_(list(metrics)))
        rows: list[Any] = []
        for first in range(0, len(runs), PAGE):
            found = self._all(asked, ids=list(runs[first : first + PAGE]))
            rows += map(tuple, found)  # rows as they are take pandas seconds
        frame = pandas.DataFrame(rows, columns=["run", "metric", "step", "value", "time", "nan"])
        frame["value"] = frame["value"].astype(float).where(~frame["nan"].astype(bool))
        return frame.drop(columns="nan").sort_values(
            ["run", "metric", "step", "time"], ignore_index=True
        )

    def _filled(self, rows: Sequence[Any]) -> list[StoredRun]:
        """Add to the runs of a page what lies in other tables."""
        ids = [row.run_uuid for row in rows]
        params, tags = self._pairs(PARAMS, ids), self._pairs(TAGS, ids)
        metrics: dict[str, dict[str, float]] = {}
        named = select(LATEST).where(LATEST.c.run_uuid.in_(bindparam("ids", expanding=True)))
        for each in self._all(named, ids=ids):
            value = float("nan") if each.is_nan else each.value
            metrics.setdefault(each.run_uuid, {})[each.key] = value
        return [
            StoredRun(
                id=row.run_uuid,
                experiment=row.experiment,
                name=row.name or "",
                status=row.status,
                start=row.start_time,
                end=row.end_time,
                artifacts=row.artifact_uri,
                params=params.get(row.run_uuid, {}),
                tags=tags.get(row.run_uuid, {}),
                metrics=metrics.get(row.run_uuid, {}),
            )
            for row in rows
        ]

    def _pairs(self, source: Any, ids: list[str]) -> dict[str, dict[str, str]]:
        asked = select(source).where(source.c.run_uuid.in_(bindparam("ids", expanding=True)))
        pairs: dict[str, dict[str, str]] = {}
        for each in self._all(asked, ids=ids):
            pairs.setdefault(each.run_uuid, {})[each.key] = each.value
        return pairs

    def _all(self, asked: Select[Any], **values: Any) -> Sequence[Any]:
        try:
            with self._engine.connect() as connection:
                return self._rows(connection, asked, values)
        except SQLAlchemyError as error:
            raise self._unreadable(error) from None

    @staticmethod
    def _rows(connection: Connection, asked: Select[Any], values: dict[str, Any]) -> Sequence[Any]:
        return connection.execute(asked, values).all()

    def _unreadable(self, error: Exception) -> GdexpError:
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        return GdexpError(
            f"tracking.uri: cannot read {masked(self._uri)} ({masked(why)}). "
            "Name the store of MLflow that runs were tracked to."
        )


def _runs() -> Select[Any]:
    same = RUNS.c.experiment_id == EXPERIMENTS.c.experiment_id
    alive = and_(RUNS.c.lifecycle_stage == ACTIVE, EXPERIMENTS.c.lifecycle_stage == ACTIVE)
    return select(RUNS, EXPERIMENTS.c.name.label("experiment")).where(same, alive)
