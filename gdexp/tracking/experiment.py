"""The experiment of a store that runs go to: it is made where there is none, with its views."""

import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import mlflow
from mlflow.exceptions import MlflowException

from gdexp.errors import GdexpError
from gdexp.views import missing


def experiment_of(client: mlflow.MlflowClient, name: str, artifacts: Path | None) -> str:
    """Give the id of an experiment.

    Parameters
    ----------
    client : MlflowClient
    name : str
    artifacts : Path or None
        Folder for its artifacts, and those of others; None where the store has a place of its own.

    Raises
    ------
    GdexpError
        Where it is deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        place = None
        if artifacts is not None:
            place = (artifacts / quote(name, safe=" ")).absolute().as_uri()
        # Without this tag the page may open on a view for language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return client.create_experiment(name, artifact_location=place, tags=tags)
    if found.lifecycle_stage != "active":
        raise GdexpError(
            f"experiment {name!r} is deleted in this store; "
            "restore it, or name another with tracking.experiment=NAME"
        )
    return str(found.experiment_id)


def save_views(client: mlflow.MlflowClient, experiment_id: str) -> None:
    """Have the experiment open on a comparison; a store that refuses does without."""
    with suppress(MlflowException):
        present = client.get_experiment(experiment_id).tags
        now = round(time.time() * 1000)
        for key, value in missing(present, mlflow.__version__, now).items():
            client.set_experiment_tag(experiment_id, key, value)
