"""Columns of a table as inputs: numbers as they are, categories one-hot, truths as 0 and 1."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from gdexp.data.features import Features, Floats
from gdexp.data.frames import Frame, Series
from gdexp.data.listing import quoted, rows, several
from gdexp.errors import GdexpError

MANY = 100  # different texts of a category; beyond it the column is no category but a name
SHARE = 0.5  # of the cells that are numbers, from which on a column is one of numbers


def features(frame: Frame, names: Sequence[str], categories: Collection[str]) -> Features:
    """Make inputs of the columns of a table that lacks no values.

    A column is one-hot where it is among `categories`, or where fewer than half of its cells
    are numbers: an input for each of its values, in sorted order, named ``column=value``.

    Raises
    ------
    GdexpError
        Where a column of numbers holds something else, or a category has too many values.
    """
    values: list[Floats] = []
    named: list[str] = []
    flags: list[bool] = []
    for name in names:
        column = frame[name]
        if name not in categories and is_truth(column):
            made, labels, flag = column.to_numpy(np.float64)[:, None], [name], True
        elif name not in categories and is_number(column):
            advice = f"or name the column in 'data.categories=[\"{name}\"]'"
            made, labels, flag = numbers(column, name, advice)[:, None], [name], False
        else:
            (made, labels), flag = _one_hot(column, name), True
        values.append(made)
        named += labels
        flags += [flag] * len(labels)
    return Features(np.concatenate(values, axis=1), named, np.array(flags))


def is_truth(column: Series) -> bool:
    """Whether a column holds true and false."""
    return str(column.dtype.kind) == "b"


def is_number(column: Series) -> bool:
    """Whether at least half of a column's cells are numbers."""
    return column.dtype.kind in "iuf" or float(np.isfinite(_parsed(column)).mean()) >= SHARE


def numbers(column: Series, name: str, advice: str) -> Floats:
    """Give a column of numbers, (n,).

    Raises
    ------
    GdexpError
        Where a cell is not a finite number: which rows, what the first holds, and `advice`.
    """
    parsed = _parsed(column)
    bad = ~np.isfinite(parsed)
    if bad.any():
        first, places = str(column[bad].iloc[0]), column.index[bad].tolist()
        raise GdexpError(
            f"column {name!r} must hold finite numbers. Got {first!r}: {rows(places)} "
            f"(row 1 is the first below the header). Mend them, {advice}."
        )
    return parsed


def written(values: Floats) -> list[str]:
    """Write numbers as short as they can be read back; whole ones without a point."""
    return [np.format_float_positional(value, trim="-") for value in values]


def texts(column: Series, name: str) -> tuple[NDArray[np.intp], list[str]]:
    """Give the place of each cell, (n,), among the column's different values in sorted order."""
    if column.dtype.kind == "f":
        advice = "or leave it out"
        different, places = np.unique(numbers(column, name, advice), return_inverse=True)
        return places, written(different)
    cells = np.array([str(cell).strip() for cell in column])
    values, places = np.unique(cells, return_inverse=True)
    return places, [str(value) for value in values]


def check_complete(frame: Frame) -> None:
    """Refuse a table that lacks values.

    Raises
    ------
    GdexpError
        Naming rows and columns.
    """
    lacking = {name: frame.index[frame[name].isna()].tolist() for name in frame.columns}
    told = [f"{name!r} in {rows(places)}" for name, places in lacking.items() if places]
    if told:
        raise GdexpError(
            f"values are missing: {several(told)} (row 1 is the first below the header). "
            "Fill them in, or leave such rows out with data.missing=drop."
        )


def _parsed(column: Series) -> Floats:
    import pandas as pd

    if column.dtype.kind in "mM":  # times, which pandas would count in nanoseconds
        return np.full(len(column), np.nan)
    if column.dtype.kind in "iuf":
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    parsed = pd.to_numeric(column.astype(str), errors="coerce")
    return np.asarray(parsed.to_numpy(np.float64, na_value=np.nan))


def _one_hot(column: Series, name: str) -> tuple[Floats, list[str]]:
    places, values = texts(column, name)
    if len(values) > MANY:
        raise GdexpError(
            f"column {name!r} holds {len(values):,} different texts, such as {quoted(values[:2])}: "
            f"too many for a category (at most {MANY}). Leave it out: data.columns=[...]."
        )
    return np.eye(len(values))[places], [f"{name}={value}" for value in values]
