"""Brings the runs of an archive into a store."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from gdexp.archive.form import Archive
from gdexp.archive.listing import DATASET, ORIGIN, POINTERS, Listed, whole
from gdexp.errors import GdexpError
from gdexp.tracking.entities import MOST_METRICS, MOST_PARAMS
from gdexp.tracking.settings import Tracking, masked
from gdexp.tracking.store import Store

UNFINISHED = "gdexp.import"  # a tag that a run has until all of it is there


class Unpacker:
    """Brings runs into a store, each once.

    A run gets an id of its own there; a tag keeps the one that it had. Tags that name other runs
    name them as they are called there.

    Parameters
    ----------
    archive : Archive
    tracking : Tracking
        The store.
    artifacts : Path
        Where a SQLite store keeps files.
    there : mapping of str to str
        Ids in the store of runs that it has, by those that they had first.
    experiment : str, optional
        Into which they go; otherwise each into that of the name it had.
    """

    def __init__(
        self,
        archive: Archive,
        tracking: Tracking,
        artifacts: Path,
        there: Mapping[str, str],
        experiment: str | None = None,
    ) -> None:
        self._archive, self._tracking, self._artifacts = archive, tracking, artifacts
        self._experiment, self._ids = experiment, dict(there)
        self._stores: dict[str, Store] = {}
        self._names = {run.id: run.origin for run in archive.runs}

    def unpack(self) -> Iterator[Listed]:
        """Bring in what is not there; give each run that was.

        Raises
        ------
        GdexpError
            Where the store refuses. What was brought in stays; the next import goes on from there.
        """
        new = [run for run in whole(self._archive.runs) if run.origin not in self._ids]
        try:
            for run in new:
                self._bring_in(run)
                yield run
            for run in self._archive.runs if new else ():
                self._mend_pointers(run)
        except MlflowException as error:
            raise GdexpError(self._refused(" ".join(str(error).split()))) from None
        except OSError as error:
            raise GdexpError(self._refused(error.strerror or str(error))) from None
        finally:
            for store in self._stores.values():
                store.close()

    def _refused(self, why: str) -> str:
        store = self._tracking.shown
        return f"import: {store} does not take it ({masked(why)[:300]}). Import again to go on."

    def _store(self, run: Listed) -> Store:
        name = self._experiment or run.experiment
        if name not in self._stores:
            self._stores[name] = Store(str(self._tracking.uri), name, str(self._artifacts))
        return self._stores[name]

    def _bring_in(self, run: Listed) -> None:
        store = self._store(run)
        tags = {**run.tags, **self._pointers(run), ORIGIN: run.origin, UNFINISHED: "unfinished"}
        if run.user:
            tags.setdefault("mlflow.user", run.user)
        made = store.client.create_run(store.experiment_id, run.start, tags, run.name)
        new = str(made.info.run_id)
        for some in _batched(iter(run.params.items()), MOST_PARAMS):
            store.client.log_batch(new, params=[Param(*each) for each in some])
        for points in _batched(self._archive.points(run.id), MOST_METRICS):
            store.client.log_batch(new, metrics=[Metric(*each) for each in points])
        if run.inputs:
            store.client.log_inputs(new, [_input(each) for each in run.inputs])
        self._bring_files(store, run, new)
        if "mlflow.user" not in run.tags and run.user:
            store.client.delete_tag(new, "mlflow.user")
        store.client.delete_tag(new, UNFINISHED)
        store.client.set_terminated(new, run.status, run.end)
        self._ids[run.origin] = new

    def _bring_files(self, store: Store, run: Listed, new: str) -> None:
        with tempfile.TemporaryDirectory(prefix="gdexp-import-") as temporary:
            for name, file in self._archive.files(run.id):
                path = Path(temporary, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as target:
                    shutil.copyfileobj(file, target)
            store.log_folder(new, Path(temporary), "")

    def _pointers(self, run: Listed) -> dict[str, str]:
        """Give the tags that name runs, with the ids that those have here, as far as they do."""
        named = {tag: run.tags[tag] for tag in POINTERS if tag in run.tags}
        known = {tag: self._ids.get(self._names.get(old, old)) for tag, old in named.items()}
        return {tag: new for tag, new in known.items() if new}

    def _mend_pointers(self, run: Listed) -> None:
        """Set the tags that name runs which came later than it."""
        tags = [RunTag(tag, new) for tag, new in self._pointers(run).items()]
        if tags:
            self._store(run).client.log_batch(self._ids[run.origin], tags=tags)


def drop_unfinished(tracking: Tracking, runs: list[str]) -> None:
    """Remove what an import that was broken off has left half.

    Raises
    ------
    GdexpError
        Where the store refuses.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracking.uri)
    try:
        for run in runs:
            client.delete_run(run)
    except MlflowException as error:
        why = masked(" ".join(str(error).split()))[:300]
        raise GdexpError(f"import: {tracking.shown} refuses ({why}).") from None


def _input(told: Mapping[str, Any]) -> DatasetInput:
    tags = [InputTag(key, value) for key, value in told["tags"].items()]
    return DatasetInput(Dataset(**{name: told[name] for name in DATASET}), tags)


def _batched(items: Iterator[Any], most: int) -> Iterator[list[Any]]:
    while some := list(islice(items, most)):
        yield some
