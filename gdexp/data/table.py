"""Small tables that scikit-learn carries: known from textbooks, and there without a download."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.assemble import Target, assemble
from gdexp.data.bundled import bundled
from gdexp.data.examples import Dataset
from gdexp.data.features import SCALINGS, Features, Floats
from gdexp.data.progress import Progress, on_stderr
from gdexp.data.split import Split
from gdexp.errors import GdexpError, one_of

_MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave points", "symmetry", "fractal dimension"),
)


@dataclass(frozen=True)
class _Files:
    rows: int
    columns: tuple[str, ...]
    table: str
    numbers: str = ""  # the file of the targets, where they are numbers


FILES = {
    "breast_cancer": _Files(
        569,
        (
            *(f"mean {each}" for each in _MEASURES),
            *(f"{each} error" for each in _MEASURES),
            *(f"worst {each}" for each in _MEASURES),
        ),
        "breast_cancer.csv",
    ),
    "diabetes": _Files(
        442,
        ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
        "diabetes_data_raw.csv.gz",
        "diabetes_target.csv.gz",
    ),
    "iris": _Files(
        150,
        ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
        "iris.csv",
    ),
    "wine": _Files(
        178,
        (
            *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols"),
            *("flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue"),
            *("od280/od315_of_diluted_wines", "proline"),
        ),
        "wine_data.csv",
    ),
}


@dataclass(frozen=True)
class Table:
    """A table that scikit-learn carries, in raw numbers, as its ``load_...`` gives it.

    ``breast_cancer``: 30 measures of cell nuclei in 569 images, malignant or benign (W. H.
    Wolberg, W. N. Street, O. L. Mangasarian, 1995). ``wine``: 13 measures of 178 wines from three
    growers (M. Forina et al., 1991). ``iris``: four measures of 150 flowers of three species
    (R. A. Fisher, 1936). ``diabetes``: ten measures of 442 patients, and the progress of the
    disease a year later, a number from 25 to 346 (B. Efron et al., Least Angle Regression, 2004).

    Rows are shuffled by `split_seed`, and dealt out: the files are sorted by class.

    Parameters
    ----------
    name : str
        One of these.
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

    name: str
    scaling: str = "standardize"
    validation: float = 0.15
    test: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        one_of("name", self.name, FILES)
        one_of("scaling", self.scaling, SCALINGS)
        Split(self.validation, self.test, self.split_seed)

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Read the table from the file inside the installed scikit-learn.

        Parameters
        ----------
        progress : Progress
            Never used here: all sources are loaded in the same way.

        Returns
        -------
        Dataset
            Inputs of shape (n, n_in) in float64.

        Raises
        ------
        GdexpError
            Where the installed scikit-learn has no such file, or a damaged one; where a part
            would be empty.
        """
        files = FILES[self.name]
        values, target = (_regression if files.numbers else _classification)(self.name, files)
        return assemble(
            self.name,
            f"scikit-learn's {files.table}",
            Features(values, files.columns, np.zeros(len(files.columns), bool)),
            target,
            Split(self.validation, self.test, self.split_seed).deal(files.rows),
            self.scaling,
        )


def _classification(name: str, files: _Files) -> tuple[Floats, Target]:
    """Read a file whose first line is rows, columns and classes, and whose last column a class."""
    path = bundled(files.table, name)
    k = len(files.columns)
    table = _read(path, (files.rows, k + 1), delimiter=",", skiprows=1)
    with path.open(encoding="ascii") as lines:
        names = tuple(lines.readline().strip().split(",")[2:])
    return table[:, :k].copy(), Target(table[:, k].astype(np.uint8), names)


def _regression(name: str, files: _Files) -> tuple[Floats, Target]:
    values = _read(bundled(files.table, name), (files.rows, len(files.columns)))
    numbers = _read(bundled(files.numbers, name), (files.rows, 1))
    return values, Target(numbers[:, 0].copy())


def _read(path: Path, shape: tuple[int, int], **how: Any) -> NDArray[np.float64]:
    advice = "Install scikit-learn again."
    load: Callable[..., Any] = np.loadtxt
    try:
        table: NDArray[np.float64] = load(path, np.float64, ndmin=2, encoding="ascii", **how)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        told = " ".join(str(error).split())
        raise GdexpError(f"{path} cannot be read: {told}. {advice}") from error
    if table.shape != shape:
        wanted, got = (" x ".join(map(str, each)) for each in (shape, table.shape))
        raise GdexpError(f"{path} must hold a table of {wanted}. Got {got}. {advice}")
    return table
