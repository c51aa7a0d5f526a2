"""What is sent of a run, as MLflow's own objects, and no more of them at once than it takes."""

import math
from collections.abc import Iterator, Mapping
from typing import TypeVar

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from gdexp.tracking.batch import Batch

MOST_METRICS = 1000  # MLflow's own limits of one batch
MOST_PARAMS = 100
LONGEST_PARAM = 6000  # longer ones would be cut: they live in the config artifact only

Piece = tuple[list[Metric], list[Param], list[RunTag]]
T = TypeVar("T")


def pieces(batch: Batch) -> Iterator[Piece]:
    """Give what goes into each call of `MlflowClient.log_batch`, for all of a batch to be sent."""
    params = [
        Param(key, value) for key, value in batch.params.items() if len(value) <= LONGEST_PARAM
    ]
    points = [
        Metric(name, float(value), time, step)
        for time, step, metrics in batch.points
        for name, value in metrics.items()
        if math.isfinite(float(value))  # MLflow would draw 1.8e308
    ]
    together = MOST_METRICS - 2 * MOST_PARAMS  # of all kinds, MLflow takes MOST_METRICS
    yield points[:together], params[:MOST_PARAMS], run_tags(batch.tags)[:MOST_PARAMS]
    for more in _several(params[MOST_PARAMS:], MOST_PARAMS):
        yield [], more, []
    for some in _several(points[together:], MOST_METRICS):
        yield some, [], []


def run_tags(tags: Mapping[str, str]) -> list[RunTag]:
    """Give tags of a run."""
    return [RunTag(key, value) for key, value in tags.items()]


def dataset(told: Mapping[str, str]) -> DatasetInput:
    """Give a set of examples, from how a journal describes it."""
    context = InputTag("mlflow.data.context", told["context"])
    described = {key: told[key] for key in ("name", "digest", "source_type", "source", "profile")}
    return DatasetInput(Dataset(**described), [context])


def _several(items: list[T], most: int) -> Iterator[list[T]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]
