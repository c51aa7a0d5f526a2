"""The column that is to be predicted: classes or numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gdexp.data.assemble import Target
from gdexp.data.columns import is_number, is_truth, numbers, texts, written
from gdexp.data.features import Floats
from gdexp.data.frames import Series
from gdexp.data.listing import quoted
from gdexp.errors import GdexpError

Places = NDArray[np.intp]

TASKS = ("auto", "classes", "numbers")
FEW, EACH = 20, 5  # whole numbers are classes if no more differ, and so many rows hold each
MOST, LEAST = 1000, 2  # classes, and rows that hold each on average


def target(column: Series, name: str, task: str) -> Target:
    """Make classes or numbers of the target column, which lacks no values.

    With ``task="auto"`` there are classes where the column holds truths, where fewer than half
    of its cells are numbers, or where it holds whole numbers of which at most 20 differ, each
    in five rows on average. Classes are in the order of the numbers, or of the alphabet.

    Raises
    ------
    GdexpError
        Where the cells do not fit the task, all are of one class, or there are too many classes.
    """
    found = _target(column, name, task)
    if found.class_names:
        _check(found.class_names, name, len(column))
    return found


def _target(column: Series, name: str, task: str) -> Target:
    if is_truth(column):
        truths = column.to_numpy(np.float64)
        return Target(truths) if task == "numbers" else _named(*texts(column, name))
    if task == "classes" or (task == "auto" and not is_number(column)):
        return _named(*_classes(column, name))
    read = numbers(column, name, "or take the texts for classes: data.task=classes")
    if task == "numbers" or not _few(read):
        return Target(read)
    return _named(*_different(read))


def _classes(column: Series, name: str) -> tuple[Places, list[str]]:
    """Order classes as numbers where all are, else as texts."""
    try:
        return _different(numbers(column, name, ""))
    except GdexpError:
        return texts(column, name)


def _few(values: Floats) -> bool:
    different = np.unique(values)
    few = len(different) <= min(FEW, len(values) // EACH)
    return few and bool((different == np.floor(different)).all())


def _different(values: Floats) -> tuple[Places, list[str]]:
    different, places = np.unique(values, return_inverse=True)
    return places, written(different)


def _named(places: Places, names: list[str]) -> Target:
    return Target(places.astype(np.min_scalar_type(len(names) - 1)), tuple(names))


def _check(names: Sequence[str], name: str, n: int) -> None:
    if len(names) == 1:
        raise GdexpError(
            f"the target {name!r} holds one class only, {names[0]!r}, in all {n} rows: there is "
            "nothing to learn. Name another column with data.target=COLUMN."
        )
    if len(names) > min(MOST, max(2, n // LEAST)):
        raise GdexpError(
            f"the target {name!r} holds {len(names):,} different values, such as "
            f"{quoted(names[:2])}, in {n:,} rows: too many for classes (at most {MOST:,}, and "
            f"{LEAST} rows each on average). Name another column, or write data.task=numbers."
        )
