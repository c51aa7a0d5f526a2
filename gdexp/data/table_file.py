"""Tables of the user's own: CSV and Parquet files."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdexp.data.assemble import assemble
from gdexp.data.columns import check_complete, features
from gdexp.data.examples import Dataset
from gdexp.data.features import SCALINGS
from gdexp.data.frames import Frame, read_csv, read_parquet, select
from gdexp.data.given import column_name, column_names, path_of
from gdexp.data.progress import Progress, on_stderr
from gdexp.data.split import Split
from gdexp.data.targets import TASKS, target
from gdexp.errors import GdexpError, SettingError, one_of

MISSING = ("error", "drop")


@dataclass(frozen=True)
class TableFile(ABC):
    """A table in a file: one column is to be predicted from others.

    Columns of numbers are inputs as they are, but for the scaling; others are one-hot.
    Rows are shuffled by `split_seed`, and dealt out to training, validation and test.

    Parameters
    ----------
    path : str
        The file.
    target : str
        The column that is to be predicted.
    columns : sequence of str, optional
        The columns to predict it from; all others where that is None.
    categories : sequence of str
        Columns that are one-hot even though they hold numbers.
    task : str
        ``classes``, ``numbers`` (a regression), or ``auto``: see `gdexp.data.targets.target`.
    missing : str
        ``error``, or ``drop`` to leave out rows that lack a value in a column that is used.
    scaling : str
        ``standardize``, ``unit`` or ``none``: see `gdexp.data.features.fitted`.
    validation, test : float
        Shares of the rows.
    split_seed : int
        Of the order in which rows are dealt out.

    Raises
    ------
    SettingError
        Where one of them is not so.
    """

    path: str
    target: str
    columns: Sequence[str] | None = None
    categories: Sequence[str] = ()
    task: str = "auto"
    missing: str = "error"
    scaling: str = "standardize"
    validation: float = 0.15
    test: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        path_of(self.path, "FILE")
        object.__setattr__(self, "target", column_name("target", self.target))
        if self.columns is not None:
            object.__setattr__(self, "columns", column_names("columns", self.columns))
        object.__setattr__(self, "categories", column_names("categories", self.categories))
        if self.columns is not None and self.target in self.columns:
            raise SettingError("columns", "other columns than the target", list(self.columns))
        one_of("task", self.task, TASKS)
        one_of("missing", self.missing, MISSING)
        one_of("scaling", self.scaling, SCALINGS)
        _ = self.split

    @property
    def split(self) -> Split:
        """How rows are dealt out."""
        return Split(self.validation, self.test, self.split_seed)

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Read the table.

        Parameters
        ----------
        progress : Progress
            Never used here: all sources are loaded in the same way.

        Returns
        -------
        Dataset
            Inputs of shape (n, n_in) in float64; its name is the file's, without its ending.

        Raises
        ------
        GdexpError
            Where the file cannot be read, a column is not there or does not fit, values are
            missing, or a part would be empty.
        """
        path = path_of(self.path, "FILE")
        try:
            return self._assembled(self._read(path), path)
        except GdexpError as error:
            raise GdexpError(f"{path}: {error}") from error

    @abstractmethod
    def _read(self, path: Path) -> Frame: ...

    def _assembled(self, frame: Frame, path: Path) -> Dataset:
        names = select(frame, self.target, self.columns)
        if strange := [name for name in self.categories if name not in names]:
            raise GdexpError(f"data.categories: there is no input column {strange[0]!r}.")
        used = self._complete(frame[[*names, self.target]])
        inputs = features(used, names, self.categories)
        wanted = target(used[self.target], self.target, self.task)
        parts = self.split.deal(len(used))
        dropped = len(frame) - len(used)
        source = f"{path} ({dropped} rows that lack values left out)" if dropped else str(path)
        return assemble(
            path.name.split(".")[0] or "table", source, inputs, wanted, parts, self.scaling
        )

    def _complete(self, frame: Frame) -> Frame:
        if self.missing == "drop":
            frame = frame.dropna().infer_objects()
        if not len(frame):
            raise GdexpError("every row lacks a value. Name fewer columns with data.columns=[...].")
        check_complete(frame)
        return frame


@dataclass(frozen=True)
class Csv(TableFile):
    """A CSV file in UTF-8, packed (``.gz``, ``.zip``, ...) or not, whose first line names columns.

    Parameters
    ----------
    separator : str
        What stands between cells: one character.

    Raises
    ------
    SettingError
        Where it is not so; and see `TableFile`.
    """

    separator: str = ","

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.separator
        if not isinstance(given, str) or len(given) != 1 or given in '"\r\n\\':
            raise SettingError("separator", "one character", given, "\"';'\"")

    def _read(self, path: Path) -> Frame:
        return read_csv(path, self.separator)


@dataclass(frozen=True)
class Parquet(TableFile):
    """A Parquet file."""

    def _read(self, path: Path) -> Frame:
        return read_parquet(path)
