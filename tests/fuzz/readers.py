"""Every reader of gdexp, as what takes bytes: they are written to where it reads them, and read.

Where a form carries checksums, or is packed, an input may lack them: `given` puts them on, so that
what is behind them is reached, too.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gdexp.archive import Archive
from gdexp.data import Csv, Parquet, cache, frames, idx, pixels
from gdexp.data.progress import on_stderr
from gdexp.data.streams import File
from gdexp.errors import GdexpError
from gdexp.problems.formula import Formula
from gdexp.sweeps import claims, kept
from gdexp.tracking import checkpoint, parameters
from gdexp.tracking.hold import RUN
from gdexp.tracking.jobs import JobState
from gdexp.tracking.tracked import NAME as NOTE
from gdexp.tracking.tracked import tracked
from tests.fuzz import records
from tests.fuzz.corpus import known

GZIP = b"\x1f\x8b"
SCALED = 1 << 20  # bytes: limits of GiB, brought down so that a small process can go beyond them


@dataclass(frozen=True)
class Reader:
    """A reader of gdexp.

    Parameters
    ----------
    read : callable
        Takes the bytes, and a folder of its own.
    given : callable
        Makes of an input the bytes that are read.
    """

    read: Callable[[bytes, Path], object]
    given: Callable[[bytes], bytes] = bytes

    def __call__(self, data: bytes, folder: Path) -> Callable[[], object]:
        """Give what reads an input; making it ready is no part of that."""
        whole = self.given(data)
        return lambda: self.read(whole, folder)


def scale_limits() -> None:
    """Bring the limits of a reader's memory down to what the process may have."""
    idx.MOST_BYTES = frames.MOST_BYTES = cache.MOST_BYTES = parameters.MOST_BYTES = SCALED
    pixels.MOST_PIXELS, kept.MOST_BYTES = SCALED // 4, SCALED


def warm(names: Sequence[str]) -> None:
    """Load what readers load when it is first needed: it is no input's doing."""
    for name in names:
        for data in known(name)[:1]:
            with tempfile.TemporaryDirectory() as folder, suppress(Exception):
                READERS[name](data, Path(folder))()


@contextmanager
def refused() -> Iterator[None]:
    """Let gdexp refuse an input, in one line, so that it is read in other ways, too."""
    try:
        yield
    except GdexpError as error:
        if "\n" in str(error):
            raise ValueError("a message of several lines") from None


def _idx(data: bytes, folder: Path) -> None:
    for name, ndim in (("a", 3), ("b", 1), ("c.gz", 3)):
        path = folder / name
        path.write_bytes(data)
        with refused():
            idx.read_idx(path, ndim)
        with refused():
            idx.sha256_unpacked(path, 1000)


def _images(data: bytes, folder: Path) -> None:
    path = folder / "image"
    path.write_bytes(data)
    for channels in ("grey", "rgb"):
        found, bad = pixels.read_all([path], (5, 4), channels, on_stderr)
        assert found.shape == (1, 20 if channels == "grey" else 60)
        assert all("\n" not in why for why in bad.values())


def _csv(data: bytes, folder: Path) -> None:
    endings = {GZIP: ".gz", b"BZ": ".bz2", b"\xfd7": ".xz", b"PK": ".zip", b"\x28\xb5": ".zst"}
    path = folder / f"table.csv{endings.get(data[:2], '')}"
    path.write_bytes(data)
    for more in ({}, {"missing": "drop", "task": "numbers", "columns": ["x"]}, {"separator": "x"}):
        with refused():
            Csv(str(path), "y", **more).load()


def _parquet(data: bytes, folder: Path) -> None:
    path = folder / "table.parquet"
    path.write_bytes(data)
    for more in ({}, {"missing": "drop", "task": "classes"}):
        with refused():
            Parquet(str(path), "y", **more).load()  # type: ignore[arg-type]


def _lines(data: bytes, folder: Path) -> None:
    path = folder / "lines"
    path.write_bytes(data)
    for label, classes, bad in (("last", 10, "fail"), ("y", 0, "skip"), ("last", 3, "skip")):
        with refused():
            source = File("auto", label, None, classes, 2.0, str(path), 0.0)
            arrivals = source.open(bad)
            for examples in arrivals.batches(3, None, None):
                assert examples is None or len(examples) <= 3


def _formula(data: bytes, folder: Path) -> None:
    formula = Formula(data.decode(errors="replace"))
    v = np.linspace(-1, 2, len(formula.variables))
    assert np.shape(formula.cost(v)) == ()
    assert formula.gradient(v).shape == v.shape
    formula.hessian()


def _checkpoint(data: bytes, folder: Path) -> None:
    (folder / checkpoint.FOLDER).mkdir(exist_ok=True)
    path = folder / checkpoint.FOLDER / f"{2:012}.checkpoint"
    path.write_bytes(data)
    checkpoint.read(path)


def _cache(data: bytes, folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(b"x")
    sizes: dict[str, tuple[int | None, ...]] = {"a": (None, 2), "b": (None,)}
    key = hashlib.sha256(str(source).encode()).hexdigest()[:16]
    path = cache.cache_folder() / f"fuzz-{key}.arrays"
    identity = json.dumps([str(source), 1, source.stat().st_mtime_ns]).encode()
    path.parent.mkdir(exist_ok=True)
    body = data.replace(b'["SOURCE"]', identity)  # which differs from folder to folder
    path.write_bytes(body if body.startswith(b"gdexp") else _sealed(b"gdexp-arrays 1 ", body))

    def build() -> cache.Arrays:
        return {"a": np.zeros((1, 2), np.uint8), "b": np.zeros(1, np.uint8)}

    found = cache.cached("fuzz", [source], build, sizes)
    assert found["a"].ndim == 2
    assert found["b"].ndim == 1


def _archive(data: bytes, folder: Path) -> None:
    path = folder / "runs.zip"
    path.write_bytes(data)
    with Archive(path) as archive:
        for run in archive.runs:
            for _ in archive.points(run.id):
                pass
            for name, file in archive.files(run.id):
                place = folder / "unpacked" / run.id / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as target:
                    shutil.copyfileobj(file, target)


def _notes(data: bytes, folder: Path) -> None:
    for name in (NOTE, RUN):
        (folder / name).write_bytes(data)
    tracked(folder)
    _ = JobState(0, folder).run_id
    claims.told(folder)
    claims.holder_lives(folder)


def _model(data: bytes, folder: Path) -> None:
    path = folder / "model.npz"
    path.write_bytes(data)
    parameters.read(path)


def _sealed(magic: bytes, data: bytes) -> bytes:
    return magic + f"{zlib.crc32(data):08x}\n".encode() + data


def _as_checkpoint(data: bytes) -> bytes:
    return data if data.startswith(checkpoint.MAGIC) else _sealed(checkpoint.MAGIC, data)


def _as_archive(data: bytes) -> bytes:
    """Pack an input that is a JSON object of files, with the manifest that fits them."""
    try:
        files = {str(name): str(text).encode() for name, text in json.loads(data).items()}
    except (ValueError, AttributeError, RecursionError):
        return data
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    told = {"format": "gdexp-archive", "version": 1, "files": listed}
    return zipped({**files, "manifest.json": json.dumps(told).encode()})


def _as_model(data: bytes) -> bytes:
    """Pack an input that is one array's file."""
    return zipped({"w1.npy": data, "b1.npy": data}) if data.startswith(b"\x93NUMPY") else data


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Give a zip file of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            with suppress(ValueError):
                target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _packed(data: bytes) -> bytes:
    """Pack an input that begins with the name of a packing."""
    packings: dict[bytes, Callable[[bytes], Any]] = {
        b"gz:": lambda body: gzip.compress(body, mtime=0),
        b"bz:": bz2.compress,
        b"xz:": lzma.compress,
        b"pk:": lambda body: zipped({"table.csv": body}),
    }
    packing = packings.get(data[:3], bytes)
    return bytes(packing(data[3:] if data[:3] in packings else data))


READERS: Mapping[str, Reader] = {
    "archive": Reader(_archive, _as_archive),
    "cache": Reader(_cache),
    "checkpoint": Reader(_checkpoint, _as_checkpoint),
    "config": Reader(records.config),
    "csv": Reader(_csv, _packed),
    "formula": Reader(_formula),
    "idx": Reader(_idx, _packed),
    "images": Reader(_images),
    "journal": Reader(records.journal, records.sealed),
    "lines": Reader(_lines),
    "model": Reader(_model, _as_model),
    "notes": Reader(_notes),
    "parquet": Reader(_parquet),
    "plan": Reader(records.plan, records.packed),
    "resume": Reader(records.resumed, _as_checkpoint),
    "sweep": Reader(records.sweep, records.sealed),
}
