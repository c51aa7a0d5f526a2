"""The 1,797 small digits that scikit-learn carries: data that need no download."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.bundled import bundled
from gdexp.data.examples import Dataset, Examples
from gdexp.data.progress import Progress, on_stderr
from gdexp.errors import GdexpError

IMAGES, PIXELS = 1797, 64
TRAIN, VALIDATION = 1300, 247


@dataclass(frozen=True)
class Digits:
    """Handwritten digits of 8 x 8 pixels, 1,797 of them, in 10 classes.

    They are the test set of the UCI "Optical Recognition of Handwritten Digits" (E. Alpaydin,
    C. Kaynak, 1998), as ``sklearn.datasets.load_digits`` gives them: a pixel is a whole number
    from 0 to 16, so the scale is 16.

    The split is in file order, as Nielsen splits MNIST: the first 1,300 images are for
    training, the next 247 for validation and the last 250 for the test. scikit-learn itself
    does not split them, so accuracies compare only with those of the same split.
    """

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Read the images from the file inside the installed scikit-learn.

        Parameters
        ----------
        progress : Progress
            Never used here: all sources are loaded in the same way.

        Returns
        -------
        Dataset
            Of 1,300, 247 and 250 examples, inputs of shape (n, 64).

        Raises
        ------
        GdexpError
            Where the installed scikit-learn has no such file, or a damaged one.
        """
        table = _table(bundled("digits.csv.gz", "digits"))  # (1797, 65): pixels, then the class
        inputs, labels = np.ascontiguousarray(table[:, :PIXELS]), table[:, PIXELS].copy()
        first, second = TRAIN, TRAIN + VALIDATION
        return Dataset(
            "digits",
            train=Examples(inputs[:first], labels[:first], 16.0),
            validation=Examples(inputs[first:second], labels[first:second], 16.0),
            test=Examples(inputs[second:], labels[second:], 16.0),
            classes=10,
            source="scikit-learn's digits.csv.gz",
            image_shape=(8, 8),
        )


def _table(path: Path) -> NDArray[np.uint8]:
    advice = "Install scikit-learn again."
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            table: NDArray[Any] = np.loadtxt(lines, np.uint8, delimiter=",", ndmin=2)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        told = " ".join(str(error).split())
        raise GdexpError(f"{path} cannot be read: {told}. {advice}") from error
    if table.shape != (IMAGES, PIXELS + 1):
        wanted, got = f"{IMAGES} x {PIXELS + 1}", " x ".join(map(str, table.shape))
        raise GdexpError(f"{path} must hold a table of {wanted}. Got {got}. {advice}")
    return table
