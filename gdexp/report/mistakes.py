"""Confusion matrices and the worst mistakes, as the diagnostic `confusion` left them."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdexp.comparison import Variant
from gdexp.errors import GdexpError
from gdexp.report.measures import Measure
from gdexp.stored import StoredRun, files

MOST_VARIANTS = 3  # of which mistakes are shown, the best
MOST_SEEDS = 10  # whose counts are added up
MOST_CLASSES = 30  # a matrix of more cannot be read
MATRIX = re.compile(r"diagnostics/confusion/epoch_(\d+)\.csv")
SHEET = re.compile(r"images/mistakes\+step\+(\d+)\+.*\.png")
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Mistakes:
    """Which classes a configuration takes for which.

    Parameters
    ----------
    variant : int
    names : sequence of str
        Of the classes.
    counts : ndarray, shape (k, k)
        Of class i, how many were taken for j; added up over the seeds.
    seeds : int
    part : str
        The set of examples.
    sheet : bytes
        The worst mistakes of the best seed, as a PNG picture; empty where there is none.
    of : str
        The name of that run.
    """

    variant: int
    names: Sequence[str]
    counts: NDArray[np.int64]
    seeds: int
    part: str
    sheet: bytes
    of: str

    @property
    def sheet64(self) -> str:
        """The picture in base64."""
        return base64.b64encode(self.sheet).decode()

    @property
    def shares(self) -> list[list[float]]:
        """Of each class, the share that was taken for each."""
        shares = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        return [[round(float(share), 3) for share in row] for row in shares]


def mistakes(variants: Sequence[Variant], measure: Measure, uri: str) -> list[Mistakes]:
    """Gather what is known of the mistakes of the best configurations.

    Parameters
    ----------
    variants : sequence of Variant
        The best first.
    measure : Measure
        By which seed is chosen whose mistakes are shown.
    uri : str
        The store, from which files are read that are not on this machine.
    """
    found = []
    for at, variant in enumerate(variants[:MOST_VARIANTS]):
        looked = [run for run in variant.runs if "recall/" in "".join(run.metrics)]
        if looked and (one := _mistakes(at, looked[:MOST_SEEDS], measure, uri)):
            found.append(one)
    return found


def _mistakes(at: int, runs: Sequence[StoredRun], measure: Measure, uri: str) -> Mistakes | None:
    listed = {run.id: list(_listed(run, uri)) for run in runs}
    read = [
        matrix
        for run in runs
        if (name := _last(MATRIX, listed[run.id])) and (matrix := _matrix(run, name, uri))
    ]
    if not read:
        return None
    names = read[0][0]
    alike = [counts for other, counts in read if other == names]
    sign = 1 if measure.higher else -1
    best = max(runs, key=lambda run: (sign * measure.value(run), run.id))
    sheet = _bytes(best, _last(SHEET, listed[best.id]), uri)
    return Mistakes(
        at,
        names,
        np.sum(alike, axis=0),
        len(alike),
        best.params.get("diagnostics.confusion.part", "val"),
        sheet if sheet.startswith(PNG) else b"",
        best.name,
    )


def _listed(run: StoredRun, uri: str) -> Iterator[str]:
    """Give the names of the files of a run: of its folder, else those that its journal tells."""
    folder = files.local(run)
    if folder is not None and folder.is_dir():
        for path in sorted([*folder.glob("diagnostics/confusion/*"), *folder.glob("images/*")]):
            yield path.relative_to(folder).as_posix()
        return
    for line in _bytes(run, "journal.jsonl", uri).splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if record.get("kind") == "look":
                yield from record.get("artifacts", [])


def _last(pattern: re.Pattern[str], names: Sequence[str]) -> str:
    """Give the file of the last look; empty where there is none."""
    found = [(int(match[1]), name) for name in names if (match := pattern.fullmatch(name))]
    return max(found, default=(0, ""))[1]


def _matrix(run: StoredRun, name: str, uri: str) -> tuple[list[str], NDArray[np.int64]] | None:
    rows = list(csv.reader(io.StringIO(_bytes(run, name, uri).decode(errors="replace"))))
    with suppress(ValueError, IndexError):
        names = rows[0][1:]
        counts = np.array([list(map(int, row[1:])) for row in rows[1:]])
        if 1 < len(names) <= MOST_CLASSES and counts.shape == (len(names), len(names)):
            return names, counts
    return None


def _bytes(run: StoredRun, name: str, uri: str) -> bytes:
    """Read a file of a run; what is not there, or cannot be read, is empty."""
    with suppress(GdexpError):
        return files.read(run, name, uri) if name else b""
    return b""
