"""From a table's features and targets to a data set of three parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.examples import Dataset, Examples
from gdexp.data.features import Features, Floats, fitted
from gdexp.data.listing import quoted
from gdexp.data.split import Parts
from gdexp.errors import GdexpError


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted of n examples.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Classes, as unsigned integers from 0, or numbers in float64.
    class_names : tuple of str
        Name of each class; none for numbers.
    """

    labels: NDArray[Any]
    class_names: tuple[str, ...] = ()


def assemble(
    name: str, source: str, features: Features, target: Target, parts: Parts, scaling: str
) -> Dataset:
    """Scale the features by what the training part is like, and deal the examples out.

    Parameters
    ----------
    name, source : str
        Of the data set.
    features : Features
    target : Target
    parts : tuple of ndarray
        The places of the training, validation and test examples.
    scaling : str
        One of `SCALINGS`.

    Raises
    ------
    GdexpError
        Where there are classes, and the validation or test part is empty or a class is not in
        the training part; where a scaled input is too large for float64.
    """
    if target.class_names:
        check_classes(target.labels, target.class_names, parts)
    values, shift, spread = _scaled(features, parts[0], scaling)
    train, validation, test = (Examples(values[at], target.labels[at]) for at in parts)
    return Dataset(
        name,
        train,
        validation,
        test,
        classes=len(target.class_names),
        source=source,
        class_names=target.class_names,
        feature_names=tuple(features.names),
        shift=tuple(shift.tolist()),
        spread=tuple(spread.tolist()),
    )


def check_classes(labels: NDArray[Any], names: Sequence[str], parts: Parts) -> None:
    """Refuse parts from which classes cannot be learned, or on which they cannot be measured.

    Raises
    ------
    GdexpError
    """
    for setting, at in zip(("validation", "test"), parts[1:], strict=True):
        if not len(at):
            raise GdexpError(
                f"no {setting} examples are left, and accuracy is measured on them: "
                f"data.{setting} must be > 0 where there are classes, as 0.15 is."
            )
    seen = np.bincount(labels[parts[0]], minlength=len(names))
    if not seen.all():
        unseen = [name for name, count in zip(names, seen, strict=True) if not count]
        raise GdexpError(
            f"no training example is of class {quoted(unseen)}. "
            "Take another data.split_seed or smaller shares, or bring more examples of it."
        )


def _scaled(
    features: Features, train: NDArray[np.intp], scaling: str
) -> tuple[Floats, Floats, Floats]:
    if scaling == "none":
        return features.values, np.empty(0), np.empty(0)
    with np.errstate(all="ignore"):  # looked at next
        shift, spread = fitted(features, train, scaling)
        values = (features.values - shift) / spread
    beyond = np.flatnonzero(~np.isfinite(values).all(axis=0)).tolist()
    if beyond:
        names = quoted(features.names[at] for at in beyond)
        raise GdexpError(
            f"column {names} goes beyond the largest numbers when it is scaled. Rescale it."
        )
    return values, shift, spread
