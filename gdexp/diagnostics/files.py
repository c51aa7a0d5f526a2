"""What diagnostics write: tables, and images that MLflow's page shows over epochs."""

import csv
import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

FOLDER = "diagnostics"
THUMBNAIL = 256  # pixels of the longer side


def card(folder: Path, key: str, epoch: int, image: "Image.Image") -> list[str]:
    """Write an image under the name by which MLflow's page makes a card with a slider of it.

    The page reads key, step and time from names in ``images/``, and shows the smaller WebP file
    until the other is asked for; MLflow's own ``log_image(key=, step=)`` writes the same.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    key : str
        The card's name.
    epoch : int
        Its place on the slider.
    image : PIL.Image.Image

    Returns
    -------
    list of str
        What was written, below the folder.
    """
    (folder / "images").mkdir(exist_ok=True)
    name = f"{key}+step+{epoch}+timestamp+"
    for broken_off in (folder / "images").glob(f"{name}*"):  # by a look that is made again
        broken_off.unlink()
    stem = f"images/{name}{time.time_ns() // 1_000_000}+{uuid.uuid4()}"
    image.save(folder / f"{stem}.png")
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    small.save(folder / f"{stem}+compressed.webp")
    return [f"{stem}.png", f"{stem}+compressed.webp"]


def table(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Append rows to a table, kept as CSV and in the JSON that MLflow's page compares over runs.

    Each file is replaced at once, since another process may be reading it. Rows of the same epoch
    are of a look that was broken off, and are replaced.

    Parameters
    ----------
    folder : Path
        The run's output folder.
    name : str
    rows : sequence of mapping
        Each with the same columns, "epoch" the first.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    path = folder / FOLDER / f"{name}.json"
    columns = list(rows[0])
    data = json.loads(path.read_text())["data"] if path.exists() else []
    data = [row for row in data if row[0] != rows[0]["epoch"]]
    data += [list(row.values()) for row in rows]
    _replace(path, json.dumps({"columns": columns, "data": data}))
    matrix(folder, name, [columns, *data])
    return [f"{FOLDER}/{name}.csv", f"{FOLDER}/{name}.json"]


def matrix(folder: Path, name: str, lines: Iterable[Sequence[Any]]) -> list[str]:
    """Write lines of values as CSV, below the folder for diagnostics."""
    path = folder / FOLDER / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines_to(path, lines)
    return [f"{FOLDER}/{name}.csv"]


def lines_to(path: Path, lines: Iterable[Sequence[Any]]) -> None:
    """Write lines of values as CSV, the whole file at once."""
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    part.replace(path)


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
