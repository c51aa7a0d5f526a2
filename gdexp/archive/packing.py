"""Writes runs into an archive, as MLflow's client reads them."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from gdexp.archive.form import CHUNK, FILES, FORMAT, MANIFEST, POINTS, RUN, VERSION, safe, spoken
from gdexp.archive.listing import DATASET, ENDED, Listed
from gdexp.errors import GdexpError
from gdexp.stored import StoredRun
from gdexp.stored.files import local
from gdexp.tracking.settings import masked

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same runs give the same bytes


class Packer:
    """Writes runs into an archive that comes to be when all of them are in it.

    Parameters
    ----------
    uri : str
        The store.
    path : Path
        The archive; one that is there is replaced.
    """

    def __init__(self, uri: str, path: Path) -> None:
        self._client, self._path = mlflow.MlflowClient(tracking_uri=uri), path
        self.files: dict[str, dict[str, Any]] = {}

    def pack(self, runs: Sequence[StoredRun]) -> None:
        """Write an archive.

        Raises
        ------
        GdexpError
            Where a run is going on, its files are not there, or the archive cannot be written.
        """
        for run in runs:
            if run.status not in ENDED:
                raise GdexpError(
                    f"run {run.id[:8]}: is {run.status}. Wait until it has ended; where nobody is "
                    "behind it, python -m gdexp doctor --fix closes it."
                )
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for run in runs:
                    self._add(archive, run)
                told = {"format": FORMAT, "version": VERSION, "files": self.files}
                self._write(archive, MANIFEST, json.dumps(told, indent=1).encode())
            part.replace(self._path)
        except MlflowException as error:
            why = masked(" ".join(str(error).split()))[:300]
            raise GdexpError(f"export: cannot read the store ({why}).") from None
        except OSError as error:
            where = error.filename or self._path
            raise GdexpError(f"export: cannot write {where} ({error.strerror}).") from None
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _add(self, archive: zipfile.ZipFile, run: StoredRun) -> None:
        found, place = self._client.get_run(run.id), f"runs/{run.id}"
        if found.outputs is not None and found.outputs.model_outputs:
            raise GdexpError(
                f"run {run.id[:8]}: has models in MLflow's own list of models, which an archive "
                "cannot carry. Export others, or copy the whole store."
            )
        told = json.dumps(_listed(run, found).told(), indent=1, sort_keys=True)
        self._write(archive, f"{place}/{RUN}", told.encode())
        points = (self._client.get_metric_history(run.id, n) for n in sorted(found.data.metrics))
        lines = [
            json.dumps([each.key, spoken(each.value), each.timestamp, each.step]) + "\n"
            for history in points
            for each in sorted(history, key=lambda each: (each.step, each.timestamp))
        ]
        self._write(archive, f"{place}/{POINTS}", "".join(lines).encode())
        with self._artifacts(run) as folder:
            for path in _files(folder):
                name = f"{place}/{FILES}/{path.relative_to(folder).as_posix()}"
                self._copy(archive, name, path)

    def _write(self, archive: zipfile.ZipFile, name: str, content: bytes) -> None:
        archive.writestr(_member(name), content)
        if name != MANIFEST:
            digest = hashlib.sha256(content).hexdigest()
            self.files[name] = {"size": len(content), "sha256": digest}

    def _copy(self, archive: zipfile.ZipFile, name: str, path: Path) -> None:
        if not safe(name):
            raise GdexpError(f"{path}: a file of this name cannot be in an archive. Rename it.")
        digest, size = hashlib.sha256(), 0
        with (
            path.open("rb") as source,
            archive.open(_member(name), "w", force_zip64=True) as target,
        ):
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        self.files[name] = {"size": size, "sha256": digest.hexdigest()}

    @contextmanager
    def _artifacts(self, run: StoredRun) -> Iterator[Path]:
        """Give the folder of a run's files: where they are, or fetched."""
        folder = local(run)
        if folder is None:
            with tempfile.TemporaryDirectory(prefix="gdexp-export-") as temporary:
                self._client.download_artifacts(run.id, "", temporary)
                yield Path(temporary)
        elif folder.is_dir() or not run.tag("journal"):
            yield folder
        else:
            raise GdexpError(
                f"run {run.id[:8]}: its files are not at {folder}. "
                "python -m gdexp doctor says more of that."
            )


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    return info


def _files(folder: Path) -> Iterator[Path]:
    """Give all files below a folder, in order; a link is none."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise GdexpError(f"{path}: is a symbolic link, which an archive cannot hold.")
        if path.is_file():
            yield path


def _listed(run: StoredRun, found: Any) -> Listed:
    inputs = [
        {
            **{name: getattr(each.dataset, name) for name in DATASET},
            "tags": {tag.key: tag.value for tag in each.tags},
        }
        for each in found.inputs.dataset_inputs
    ]
    return Listed(
        id=run.id,
        experiment=run.experiment,
        name=found.info.run_name or "",
        status=found.info.status,
        user=found.info.user_id or "",
        start=found.info.start_time,
        end=found.info.end_time,
        params=dict(found.data.params),
        tags=dict(found.data.tags),
        inputs=inputs,
    )
