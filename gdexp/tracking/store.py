"""The store: the only module of gdexp that imports mlflow, for the feeding process alone."""

import json
import logging
import math
import os
import socket
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import mlflow
from filelock import FileLock
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.db import utils as databases
from sqlalchemy import Engine, event

from gdexp.errors import GdexpError
from gdexp.process import mark
from gdexp.tracking import moved
from gdexp.tracking.batch import Batch
from gdexp.tracking.hold import in_hand
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.settings import SQLITE, Tracking, masked
from gdexp.views import missing

MOST_METRICS = 1000  # MLflow's own limits of one batch
MOST_PARAMS = 100
TABLES = "mlflow.loggedArtifacts"  # the tag in which the page looks for tables
LONGEST_PARAM = 6000  # longer ones would be cut: they live in the config artifact only

# Tags that the end of a run sets.
ENDS = ("gdexp.outcome", "gdexp.reason", "mlflow.note.content")

T = TypeVar("T")


class Store:
    """A tracking store, opened (and where it is new or of an older MLflow, made ready) once.

    Parameters
    ----------
    uri, experiment : str
        As in `Tracking`.
    artifacts : str
        Folder for the artifacts of a SQLite store; a server has a place of its own.
    """

    def __init__(self, uri: str, experiment: str, artifacts: str) -> None:
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        mlflow.set_tracking_uri(uri)
        self._uri, self.shown, self.experiment = uri, masked(uri), experiment
        self._places: dict[str, Any] = {}  # where the artifacts of open runs go
        self._database = Tracking(uri, experiment).database
        if self._database is not None:
            event.listen(Engine, "connect", _log_ahead)
        with self._lock():
            if self._database is not None:
                moved.follow(self._database)
            with _whole_or_none(self._database):
                self.client = _open(uri)
            self.experiment_id = self._experiment(experiment, Path(artifacts))
            self._save_views()
        if self._database is not None:
            self._close_orphans()

    def close(self) -> None:
        """Leave a SQLite store as one file, as far as nobody else has it open."""
        if self._database is not None:
            engine = getattr(self.client._tracking_client.store, "engine", None)
            if engine is not None:
                engine.dispose()
            with suppress(sqlite3.Error), closing(sqlite3.connect(self._database)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")

    def _lock(self) -> AbstractContextManager[Any]:
        """Of several processes that open a new database at once, all but one would fail."""
        if self._database is None:
            return nullcontext()
        self._database.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self._database}.lock")

    def _experiment(self, name: str, artifacts: Path) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is None:
            place = (
                (artifacts / quote(name, safe=" ")).absolute().as_uri() if self._database else None
            )
            # Without this tag the page may open on a view for language models.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            return self.client.create_experiment(name, artifact_location=place, tags=tags)
        if found.lifecycle_stage != "active":
            raise GdexpError(
                f"experiment {name!r} is deleted in this store; "
                "restore it, or name another with tracking.experiment=NAME"
            )
        return str(found.experiment_id)

    def _save_views(self) -> None:
        """Have the experiment open on a comparison; a store that refuses does without."""
        with suppress(MlflowException):
            present = self.client.get_experiment(self.experiment_id).tags
            now = round(time.time() * 1000)
            for key, value in missing(present, mlflow.__version__, now).items():
                self.client.set_experiment_tag(self.experiment_id, key, value)

    def create_run(self, record: dict[str, Any]) -> str:
        """Make the run that a journal's start record describes; give its id."""
        tags = {**record["tags"], **_feeder_tags()}
        run = self.client.create_run(
            self.experiment_id, record["time"], tags=tags, run_name=record["name"]
        )
        uri = run.info.artifact_uri
        self._places[run.info.run_id] = get_artifact_repository(uri, tracking_uri=self._uri)
        return str(run.info.run_id)

    def find_run(
        self, tags: Mapping[str, str], noted: str = "", *, deleted: bool = False
    ) -> str | None:
        """Give the id of the run that is fed from a journal; None where there is none.

        Parameters
        ----------
        tags : mapping of str to str
            Those of the journal's start.
        noted : str
            The id that is noted in the run's folder, if any.
        deleted : bool
            Whether one is looked for that was deleted.
        """
        found = self._made_from(tags, ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY)
        if noted and not found and not deleted and _identity(tags) is None:
            with suppress(MlflowException):
                known = self.client.get_run(noted)
                found = [known] if known.info.lifecycle_stage == "active" else []
        fullest = max(
            found, key=lambda run: (run.info.run_id == noted, len(run.data.metrics)), default=None
        )
        return None if fullest is None else str(fullest.info.run_id)

    def _made_from(self, tags: Mapping[str, str], which: int) -> list[Run]:
        where = _identity(tags)
        if where is None:
            return []
        return list(self.client.search_runs([self.experiment_id], where, which, max_results=50))

    def delete_doubles(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Delete other runs of the same journal: made twice, since an answer was lost."""
        for run in self._made_from(tags, ViewType.ACTIVE_ONLY):
            if run.info.run_id != run_id:
                self.client.delete_run(run.info.run_id)

    def metrics(self, run_id: str) -> list[str]:
        """Name the metrics of which a run has points."""
        return list(self.client.get_run(run_id).data.metrics)

    def points(self, run_id: str, name: str) -> set[tuple[str, int]]:
        """Give metric and step of every point that a run has of a metric."""
        return {(name, point.step) for point in self.client.get_metric_history(run_id, name)}

    def reopen_run(self, run_id: str, record: dict[str, Any]) -> None:
        """Take back the end of a run that goes on, as its journal's resume record says."""
        known = self.client.get_run(run_id).data.tags
        for name in ENDS:
            if name in known:
                self.client.delete_tag(run_id, name)
        self.set_tags(run_id, {**record["tags"], **_feeder_tags()})
        self.client.update_run(run_id, "RUNNING", record.get("name"))

    def status(self, run_id: str) -> str:
        """Give what a run is said to be."""
        return str(self.client.get_run(run_id).info.status)

    def describe_data(self, run_id: str, datasets: list[dict[str, str]]) -> None:
        """Send what a run was trained on."""
        if datasets:
            self.client.log_inputs(run_id, [_dataset_input(each) for each in datasets])

    def log(self, run_id: str, batch: Batch) -> None:
        """Send parameters, figures of epochs (step = epoch) and of the end, and tags."""
        params = [
            Param(key, value) for key, value in batch.params.items() if len(value) <= LONGEST_PARAM
        ]
        tags = [RunTag(key, value) for key, value in batch.tags.items()]
        points = [
            Metric(name, float(value), time, step)
            for time, step, metrics in batch.points
            for name, value in metrics.items()
            if math.isfinite(float(value))  # MLflow would draw 1.8e308
        ]
        together = MOST_METRICS - 2 * MOST_PARAMS  # of all kinds, MLflow takes MOST_METRICS
        self.client.log_batch(run_id, points[:together], params[:MOST_PARAMS], tags[:MOST_PARAMS])
        for more in _batched(params[MOST_PARAMS:], MOST_PARAMS):
            self.client.log_batch(run_id, params=more)
        for some in _batched(points[together:], MOST_METRICS):
            self.client.log_batch(run_id, metrics=some)

    def log_end(self, run_id: str, record: dict[str, Any]) -> None:
        """Send what is known at the end: tags, and figures that the store has not like that."""
        known = self.client.get_run(run_id).data.metrics
        new = {name: value for name, value in record["metrics"].items() if known.get(name) != value}
        self.log(run_id, Batch(points=[(record["time"], 0, new)], tags=record["tags"]))

    def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        """Send tags, in the place of those of the same names."""
        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def log_found(self, run_id: str, names: list[str], folder: Path) -> None:
        """Send files of a diagnostic, and the tags by which the page finds images and tables."""
        self.log_files(run_id, names, folder)
        if any(name.startswith("images/") for name in names):
            self.client.set_tag(run_id, "mlflow.loggedImages", "True")
        tables = {name for name in names if name.endswith(".json")}
        if tables:
            known = self.client.get_run(run_id).data.tags.get(TABLES, "[]")
            paths = sorted(tables | {each["path"] for each in json.loads(known)})
            told = [{"path": path, "type": "table"} for path in paths]
            self.client.set_tag(run_id, TABLES, json.dumps(told))

    def log_files(self, run_id: str, names: list[str], folder: Path) -> None:
        """Send files of the run's folder, by their names below it."""
        place = self._place(run_id)
        for name in names:
            inside = str(Path(name).parent)
            place.log_artifact(str(folder / name), None if inside == "." else inside)

    def _place(self, run_id: str) -> Any:
        """Give where a run's artifacts go; asked once, and forgotten when the run is closed."""
        if run_id not in self._places:
            uri = self.client.get_run(run_id).info.artifact_uri
            self._places[run_id] = get_artifact_repository(uri, tracking_uri=self._uri)
        return self._places[run_id]

    def log_folder(self, run_id: str, folder: Path, place: str) -> None:
        """Send all files of a folder, to a place among the run's artifacts."""
        self._place(run_id).log_artifacts(str(folder), place)

    def log_model(self, run_id: str, parameters: Path) -> None:
        """Send the trained network as an MLflow model."""
        from gdexp.tracking.model import save

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on type hints and examples
            save(Path(folder) / "model", parameters)
            self.log_folder(run_id, Path(folder) / "model", "model")

    def close_run(self, run_id: str, record: dict[str, Any]) -> None:
        """Close a run as what it is."""
        self.client.set_terminated(run_id, record["status"], record["time"])
        self._places.pop(run_id, None)

    def close_abandoned(self, run_id: str, folder: Path | None = None) -> None:
        """Close a run whose process ended before it could write its end."""
        try:
            tags = {"outcome": "killed", "reason": "its process ended without a word"}
            for name, value in tags.items():
                self.client.set_tag(run_id, f"gdexp.{name}", value)
            if folder is not None:
                self.log_files(run_id, [JOURNAL], folder)
        finally:
            self.client.set_terminated(run_id, "KILLED")
            self._places.pop(run_id, None)

    def _close_orphans(self) -> None:
        """Close runs of this machine whose process and feeder are gone: nobody else will."""
        here = f"attributes.status = 'RUNNING' AND tags.`gdexp.host` = '{socket.gethostname()}'"
        for run in self.client.search_runs([self.experiment_id], here, max_results=100):
            if not in_hand(run.data.tags):
                self.close_abandoned(run.info.run_id)


def _log_ahead(connection: Any, record: Any) -> None:
    """Have SQLite append to a log: else each transaction waits for the disk, some 25 ms.

    A power cut may cost the last transactions, and never the database.
    """
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.OperationalError):  # not on every file system, nor while it is read
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")


def _feeder_tags() -> dict[str, str]:
    """Name this process, which brings a run in."""
    return {"gdexp.feeder_pid": str(os.getpid()), "gdexp.feeder_began": mark(os.getpid())}


def _identity(tags: Mapping[str, str]) -> str | None:
    """Give the condition that finds the run of a journal; None where nothing would tell it."""
    names = ["gdexp.journal"]
    if "gdexp.journal" not in tags:  # of older versions: of a sweep, or of a job that was refused
        names = ["gdexp.sweep_id", "gdexp.kind", "gdexp.host"]
        names += ["gdexp.job"] if "gdexp.job" in tags else []
    if not all(name in tags and "'" not in tags[name] for name in names):
        return None
    return " AND ".join(f"tags.`{name}` = '{tags[name]}'" for name in names)


def _batched(items: list[T], most: int) -> Iterator[list[T]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]


def _dataset_input(told: dict[str, str]) -> DatasetInput:
    context = InputTag("mlflow.data.context", told["context"])
    described = {key: told[key] for key in ("name", "digest", "source_type", "source", "profile")}
    return DatasetInput(Dataset(**described), [context])


@contextmanager
def _whole_or_none(database: Path | None) -> Iterator[None]:
    """Leave no new database half made, as on a full disk: MLflow would never go on with it."""
    new = database is not None and not database.exists()
    try:
        yield
    except BaseException:
        if new:
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            for engine in SqlAlchemyStore._engine_map.values():
                engine.dispose()
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{database}{suffix}").unlink(missing_ok=True)
        raise


def _open(uri: str) -> mlflow.MlflowClient:
    """Open a store; the client does so at once, and makes the tables of a new database.

    MLflow would ask a database that is away ten times, for minutes: its caller knows how long.
    """
    if not uri.startswith(SQLITE):
        databases.MAX_RETRY_COUNT = 1
    try:
        return mlflow.MlflowClient(tracking_uri=uri)
    except MlflowException as error:
        # A team's database is not ours to migrate; a file on this machine is.
        if not uri.startswith(SQLITE) or "out-of-date database schema" not in str(error):
            raise
        _migrate(uri)
        return mlflow.MlflowClient(tracking_uri=uri)


def _migrate(uri: str) -> None:
    from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry

    _upgrade_db(create_sqlalchemy_engine_with_retry(uri))  # type: ignore[no-untyped-call]
