"""A store behind a server, read through MLflow's client, which knows how to sign in."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from gdexp.errors import GdexpError
from gdexp.stored.run import CONTEXT, StoredRun
from gdexp.tracking.refusal import refused
from gdexp.tracking.settings import masked

if TYPE_CHECKING:
    import pandas

PAGE = 500  # runs that are asked for at once
ASKING = 8  # questions that are under way at a time


class ClientReader:
    """Reads runs through MLflow's client.

    Parameters
    ----------
    uri : str

    Raises
    ------
    GdexpError
        From every method, where the store refuses or does not answer.
    """

    def __init__(self, uri: str) -> None:
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._uri, self._client = uri, mlflow.MlflowClient(tracking_uri=uri)

    def experiments(self) -> list[str]:
        """Name the experiments that there are."""
        return list(self._experiments().values())

    def runs(self, experiment: str | None = None) -> Iterator[StoredRun]:
        """Give an experiment's runs, or those of all, the latest first; read page by page."""
        named = self._experiments()
        ids = [id for id, name in named.items() if experiment in (None, name)]
        token: str | None = None
        while ids:
            page = self._asked(
                self._client.search_runs,
                ids,
                run_view_type=ViewType.ACTIVE_ONLY,
                max_results=PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            yield from (_stored(run, named[run.info.experiment_id]) for run in page)
            token = page.token
            if not token:
                return

    def run(self, run_id: str) -> StoredRun | None:
        """Give one run by its whole id; None where there is none."""
        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise self._unreadable(error) from None
        named = self._experiments()
        if run.info.lifecycle_stage != "active" or run.info.experiment_id not in named:
            return None
        return _stored(run, named[run.info.experiment_id])

    def digests(self, run_id: str) -> dict[str, str]:
        """Give the digests of a run's data sets, by what they were for; see `Reader.digests`."""
        inputs = self._asked(self._client.get_run, run_id).inputs.dataset_inputs
        return {
            tag.value: each.dataset.digest
            for each in inputs
            for tag in each.tags
            if tag.key == CONTEXT
        }

    def histories(
        self, runs: Sequence[str], metrics: Sequence[str] | None = None
    ) -> "pandas.DataFrame":
        """Give every point of runs' metrics; see `Reader.histories`."""
        import pandas

        rows: list[tuple[str, str, int, float, int]] = []
        with ThreadPoolExecutor(ASKING) as pool:
            if metrics is None:
                known = pool.map(lambda id: self._asked(self._client.get_run, id), runs)
                asked = [(run.info.run_id, name) for run in known for name in run.data.metrics]
            else:
                asked = [(run, name) for run in runs for name in metrics]
            answers = pool.map(
                lambda each: self._asked(self._client.get_metric_history, *each), asked
            )
            for (run, name), points in zip(asked, answers, strict=True):
                rows += [(run, name, each.step, each.value, each.timestamp) for each in points]
        frame = pandas.DataFrame(rows, columns=["run", "metric", "step", "value", "time"])
        frame["value"] = frame["value"].astype(float)
        return frame.sort_values(["run", "metric", "step", "time"], ignore_index=True)

    def _experiments(self) -> dict[str, str]:
        found, token = {}, None
        while True:
            page = self._asked(self._client.search_experiments, max_results=PAGE, page_token=token)
            found.update({each.experiment_id: each.name for each in page})
            token = page.token
            if not token:
                return found

    def _asked(self, question: Any, *words: Any, **more: Any) -> Any:
        try:
            return question(*words, **more)
        except MlflowException as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> GdexpError:
        if why := refused(error, self._uri):
            return GdexpError(f"tracking.uri: {masked(self._uri)} {why}.")
        why = masked(" ".join(str(error).split()))[:300]
        return GdexpError(f"tracking.uri: cannot read {masked(self._uri)} ({why}).")


def _stored(run: Any, experiment: str) -> StoredRun:
    info, data = run.info, run.data
    return StoredRun(
        id=info.run_id,
        experiment=experiment,
        name=info.run_name or "",
        status=info.status,
        start=info.start_time,
        end=info.end_time,
        artifacts=info.artifact_uri,
        params=dict(data.params),
        tags=dict(data.tags),
        metrics=dict(data.metrics),
    )


def downloaded(uri: str, artifact: str, folder: str) -> Path:
    """Fetch a file of a run's artifacts into a folder; OSError where that fails."""
    try:
        path = mlflow.artifacts.download_artifacts(
            artifact_uri=artifact, tracking_uri=uri, dst_path=folder
        )
    except MlflowException as error:
        raise OSError(" ".join(str(error).split())[:300]) from None
    return Path(path)
