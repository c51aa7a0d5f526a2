"""The store of the feeding process: runs are made there, and sent what is known of them."""

import json
import logging
import os
import socket
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from gdexp.process import mark
from gdexp.tracking.batch import Batch
from gdexp.tracking.entities import dataset, pieces, run_tags
from gdexp.tracking.experiment import experiment_of, save_views
from gdexp.tracking.hold import in_hand
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.opening import close, opened
from gdexp.tracking.settings import Tracking, masked

TABLES = "mlflow.loggedArtifacts"  # the tag in which the page looks for tables

# Tags that the end of a run sets.
ENDS = ("gdexp.outcome", "gdexp.reason", "mlflow.note.content")


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
        with opened(uri, self._database) as self.client:
            place = Path(artifacts) if self._database else None
            self.experiment_id = experiment_of(self.client, experiment, place)
            save_views(self.client, self.experiment_id)
        if self._database is not None:
            self._close_orphans()

    def close(self) -> None:
        """Leave a SQLite store as one file, as far as nobody else has it open."""
        if self._database is not None:
            close(self.client, self._database)

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
            self.client.log_inputs(run_id, [dataset(each) for each in datasets])

    def log(self, run_id: str, batch: Batch) -> None:
        """Send parameters, figures of epochs (step = epoch) and of the end, and tags."""
        for piece in pieces(batch):
            self.client.log_batch(run_id, *piece)

    def log_end(self, run_id: str, record: dict[str, Any]) -> None:
        """Send what is known at the end: tags, and figures that the store has not like that."""
        known = self.client.get_run(run_id).data.metrics
        new = {name: value for name, value in record["metrics"].items() if known.get(name) != value}
        self.log(run_id, Batch(points=[(record["time"], 0, new)], tags=record["tags"]))

    def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        """Send tags, in the place of those of the same names."""
        self.client.log_batch(run_id, tags=run_tags(tags))

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
            if not in_hand(run.data.tags) and self._is_open(run.info.run_id):
                self.close_abandoned(run.info.run_id)

    def _is_open(self, run_id: str) -> bool:
        """Look once more, now that nobody has it: it may have ended since it was found."""
        run = self.client.get_run(run_id)
        return run.info.status == "RUNNING" and not in_hand(run.data.tags)


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
