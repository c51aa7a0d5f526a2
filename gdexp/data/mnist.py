"""MNIST, from the four IDX files in which its authors published it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.cache import Arrays, Sizes, cache_folder, cached
from gdexp.data.examples import Dataset, Examples
from gdexp.data.idx import FileError, read_idx
from gdexp.data.mnist_files import locate
from gdexp.data.progress import Progress, on_stderr
from gdexp.errors import GdexpError, SettingError

SIDE, CLASSES = 28, 10
LEAST = {"train": 6, "test": 1}  # images: fewer than six leave no sixth for validation
SIZES: Sizes = {
    **dict.fromkeys(("train_images", "test_images"), (None, SIDE * SIDE)),
    **dict.fromkeys(("train_labels", "test_labels"), (None,)),
}


@dataclass(frozen=True)
class Mnist:
    """Handwritten digits of 28 x 28 pixels, 70,000 of them, in 10 classes.

    The split is Nielsen's: the first 50,000 images of the training file are for training, its
    last 10,000 for validation, and the test file is for the test. Files of another size, such
    as a subset, are split in the same proportion: the last sixth of the training file,
    rounded down, is for validation. Files of the same layout that are not MNIST's, such as
    Fashion-MNIST's, do as well.

    Parameters
    ----------
    root : str or None
        The folder of the four files, each with or without ``.gz``; None or blank for a cache
        folder. Files that it lacks are downloaded into it.
    mirrors : sequence of str
        Addresses (http or https) of folders to download from, tried in turn; none of them
        where nothing shall be downloaded.

    Raises
    ------
    SettingError
        Where one of them is not so.
    """

    root: str | None
    mirrors: Sequence[str]

    def __post_init__(self) -> None:
        if self.root is not None and (not isinstance(self.root, str) or "\0" in self.root):
            raise SettingError("root", "the name of a folder, or null", self.root)
        given: Any = self.mirrors
        several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
        if not several or not all(_is_address(mirror) for mirror in given):
            got = list(given) if several else given
            raise SettingError("mirrors", "a list of addresses that begin with https://", got)
        object.__setattr__(self, "mirrors", tuple(given))

    @property
    def folder(self) -> Path:
        """Where the four files are, or will be."""
        if self.root and self.root.strip():
            return Path(self.root).expanduser().absolute()
        return cache_folder() / "mnist"

    def files(self, progress: Progress = on_stderr) -> tuple[Path, ...]:
        """Find the four files, downloading those that are missing.

        Parameters
        ----------
        progress : Progress
            Shows how far a download is.

        Returns
        -------
        tuple of Path
            Training images and labels, then test images and labels.

        Raises
        ------
        GdexpError
            Where a file is missing and cannot be had.
        """
        return locate(self.folder, self.mirrors, progress)

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Read the images, from the cache where the files have been read before.

        Parameters
        ----------
        progress : Progress
            Shows how far a download is.

        Returns
        -------
        Dataset
            Of 50,000, 10,000 and 10,000 examples, inputs of shape (n, 784).

        Raises
        ------
        GdexpError
            Where files are missing and cannot be had, are damaged, or do not fit together.
        """
        try:
            files = self.files(progress)
            arrays = cached("mnist", files, lambda: _parse(*files), SIZES)
            if not _paired(arrays):
                arrays = _parse(*files)
        except FileError as error:
            raise GdexpError(f"data.root: {error}") from error
        images, labels = arrays["train_images"], arrays["train_labels"]  # (n, 784), (n,)
        n = len(images) - len(images) // 6
        return Dataset(
            "mnist",
            train=Examples(images[:n], labels[:n], 255.0),
            validation=Examples(images[n:], labels[n:], 255.0),
            test=Examples(arrays["test_images"], arrays["test_labels"], 255.0),
            classes=CLASSES,
            source=str(self.folder),
            image_shape=(SIDE, SIDE),
        )


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _parse(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path) -> Arrays:
    train = _pair(train_images, train_labels, LEAST["train"])
    test = _pair(test_images, test_labels, LEAST["test"])
    return {
        "train_images": train[0],
        "train_labels": train[1],
        "test_images": test[0],
        "test_labels": test[1],
    }


def _paired(arrays: Arrays) -> bool:
    """Whether each image has a label, and each label is a class, as in the files."""
    return all(
        len(arrays[f"{part}_images"]) == len(labels := arrays[f"{part}_labels"]) >= least
        and labels.max() < CLASSES
        for part, least in LEAST.items()
    )


def _pair(
    images_at: Path, labels_at: Path, least: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = read_idx(images_at, 3), read_idx(labels_at, 1)  # (n, 28, 28), (n,)
    if images.shape[1:] != (SIDE, SIDE):
        rows, columns = images.shape[1:]
        what = f"holds images of {rows} x {columns} pixels, expected {SIDE} x {SIDE}"
        raise FileError(images_at, what)
    if len(images) != len(labels):
        what = f"holds {len(images)} images, but {labels_at} holds {len(labels)} labels"
        raise FileError(images_at, what, "Fetch both anew, from one place.")
    if len(images) < least:
        raise FileError(images_at, f"holds {len(images)} images, expected at least {least}")
    if labels.max() >= CLASSES:
        at = int(np.argmax(labels >= CLASSES))
        what = f"holds label {labels[at]} at position {at}, expected 0 to {CLASSES - 1}"
        raise FileError(labels_at, what)
    return images.reshape(len(images), -1), labels
