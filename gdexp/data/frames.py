"""Tables read from files, with every column under the name that the file gives it."""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gdexp.data.listing import quoted
from gdexp.data.unpacked import unpacked
from gdexp.errors import GdexpError

Frame = Any  # a pandas.DataFrame: pandas takes over a second to import, and is not always needed
Series = Any

MOST_BYTES = 4 << 30  # of a file, unpacked

NAME_ANOTHER = "Name another file with data.path=FILE."


def read_csv(path: Path, separator: str) -> Frame:
    """Read a CSV file in UTF-8, packed or not; its first line names the columns.

    Numbers are read exactly as they are written, and blank cells, ``NA``, ``nan``, ``null`` and
    the like are missing values (those of ``pandas.read_csv``).

    Raises
    ------
    GdexpError
        Where the file cannot be read, or holds no row.
    """
    import pandas as pd

    # The header by itself: pandas would give a name that comes twice another one.
    common = {"sep": separator, "encoding": "utf-8-sig", "skipinitialspace": True}
    header = _read(
        path,
        lambda file: pd.read_csv(
            file, header=None, nrows=1, dtype=str, keep_default_na=False, **common
        ),
    )
    names = [str(name).strip() for name in header.iloc[0]]
    frame = _read(
        path,
        lambda file: pd.read_csv(
            file,
            header=0,
            names=range(len(names)),
            index_col=False,
            low_memory=False,
            **common,
        ),
    )
    frame.columns = names
    return _with_rows(frame)


def read_parquet(path: Path) -> Frame:
    """Read a Parquet file.

    Raises
    ------
    GdexpError
        Where the file cannot be read, or holds no row.
    """
    frame = _parquet(path).reset_index(drop=True)
    frame.columns = [str(name) for name in frame.columns]
    return _with_rows(frame)


def select(frame: Frame, target: str, columns: Sequence[str] | None) -> list[str]:
    """Give the names of the input columns: those asked for, or all but the target.

    Raises
    ------
    GdexpError
        Where one of them, or the target, does not exist or exists twice or has no name.
    """
    names = list(frame.columns)
    for setting, wanted in (("target", [target]), ("columns", columns or [])):
        if absent := [name for name in wanted if name not in names]:
            raise GdexpError(
                f"data.{setting}: there is no column {quoted(absent)}. "
                f"There are {quoted(names)}. Name one of them."
            )
    chosen = [name for name in names if name != target] if columns is None else list(columns)
    if not chosen:
        raise GdexpError(
            f"there is no column but the target, {target!r}. Is data.separator the file's?"
        )
    _check_names(names, {target, *chosen})
    return chosen


def _check_names(names: Sequence[str], used: Collection[str]) -> None:
    for name, count in Counter(names).items():
        if name in used and count > 1:
            raise GdexpError(
                f"{count} columns are called {name!r}. Give each a name of its own in the file."
            )
        if name in used and not name:
            raise GdexpError(
                f"column {names.index(name) + 1} has no name. Name it in the file, or list the "
                "columns to take: data.columns=[...]."
            )


def _read(path: Path, read: Callable[[IO[bytes]], Frame]) -> Frame:
    from pandas.errors import ParserWarning

    try:
        with _told(), unpacked(path, MOST_BYTES) as file, warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)
            return read(file)
    except ParserWarning:
        raise GdexpError(
            "its rows hold more cells than its header has names. "
            "Name every column in the first line."
        ) from None


def _parquet(path: Path) -> Frame:
    """Read a Parquet file, whose few bytes may stand for more than memory holds."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    with _told(), path.open("rb") as opened, ParquetFile(opened) as file:
        few = _rows_at_once(file.metadata)
        parts, size = [], 0
        for part in file.iter_batches(batch_size=few):
            size += part.nbytes
            if size > MOST_BYTES:
                raise GdexpError(f"holds more than {MOST_BYTES >> 20} MiB. Take a smaller one.")
            parts.append(part)
        return pyarrow.Table.from_batches(parts, file.schema_arrow).to_pandas()


def _rows_at_once(metadata: Any) -> int:
    """Give how many rows take no more than is allowed, whatever they hold.

    A value of text, which may stand for many rows, is no longer than its piece of a file. The
    pieces' columns are not looked at: of damaged ones Arrow ends the process.
    """
    pieces = range(metadata.num_row_groups)
    sizes = [max(0, metadata.row_group(at).total_byte_size) for at in pieces]
    if sum(sizes) > MOST_BYTES:
        raise GdexpError(f"holds more than {MOST_BYTES >> 20} MiB. Take a smaller one.")
    columns = map(metadata.schema.column, range(metadata.num_columns))
    texts = any("BYTE" in column.physical_type for column in columns)
    return max(1, min(1 << 16, MOST_BYTES // max(1, *sizes, 1))) if texts else 1 << 16


@contextmanager
def _told() -> Iterator[None]:
    """Have what is wrong with a file told in one line."""
    try:
        yield
    except (GdexpError, Warning):
        raise
    except Exception as error:  # whatever damage makes a packing, pandas or Arrow say
        told = getattr(error, "strerror", None) or " ".join(str(error).split())
        told = told[:200].rstrip(".") or type(error).__name__
        raise GdexpError(f"cannot be read: {told}. {NAME_ANOTHER}") from error


def _with_rows(frame: Frame) -> Frame:
    if not len(frame):
        raise GdexpError(f"holds no rows. {NAME_ANOTHER}")
    return frame
