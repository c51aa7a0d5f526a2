"""Images of the user's own, in a folder with a sub-folder for each class."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gdexp.data.assemble import check_classes
from gdexp.data.cache import cached
from gdexp.data.examples import Dataset, Examples
from gdexp.data.given import path_of
from gdexp.data.image_folder import classes_of, files_of, parts_of
from gdexp.data.pixels import MODES, Bytes, read_all, refusal
from gdexp.data.progress import Progress, on_stderr
from gdexp.data.split import Parts, Split
from gdexp.errors import SettingError, flag, one_of

MOST = 4096  # pixels of a side
SCALE = 255.0


@dataclass(frozen=True)
class Images:
    """Images in folders: ``FOLDER/CLASS/*`` or ``FOLDER/{train,validation,test}/CLASS/*``.

    In the first case images are shuffled by `split_seed` and dealt out to the parts by their
    shares. In the second each part is read in the order of the file names, whatever their
    class, so that images that were numbered keep their order.

    PNG, JPEG, BMP, GIF, TIFF, WebP and PPM are read, of 8 bits a pixel and colour and at most 50
    million pixels, which is looked at before a file is unpacked. All images together may take
    4 GiB once they have their size.

    Parameters
    ----------
    path : str
        The folder.
    size : int or sequence of int
        Height and width that images are brought to; one number for squares.
    channels : str
        ``grey`` or ``rgb``.
    allow_unreadable : bool
        Whether files that are no images are left out; else they are an error.
    validation, test : float
        Shares of the images, where there are no folders for the parts.
    split_seed : int
        Of the order in which images are dealt out.

    Raises
    ------
    SettingError
        Where one of them is not so.
    """

    path: str
    size: int | Sequence[int] = 28
    channels: str = "grey"
    allow_unreadable: bool = False
    validation: float = 0.15
    test: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        path_of(self.path, "FOLDER")
        object.__setattr__(self, "size", _sides(self.size))
        one_of("channels", self.channels, MODES)
        flag("allow_unreadable", self.allow_unreadable)
        Split(self.validation, self.test, self.split_seed)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image: (height, width), or (height, width, 3)."""
        return (*_sides(self.size), *((3,) if self.channels == "rgb" else ()))

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Read the images, from the cache where the same files have been read before.

        Parameters
        ----------
        progress : Progress
            Shows how far the reading is, where there are many images.

        Returns
        -------
        Dataset
            Inputs are bytes, (n, height * width) or (n, height * width * 3), with scale 255.

        Raises
        ------
        GdexpError
            Where the folder is not laid out so, a class is empty, files are unreadable, or a
            part would be empty.
        """
        folder = path_of(self.path, "FOLDER")
        parts = parts_of(folder)
        classes = classes_of(parts[0])
        found = [files_of(part, classes) for part in parts]
        pixels, bad = self._read([path for part in found for path, _ in part], progress)
        files = [[each for each in part if each[0] not in bad] for part in found]
        labels = np.array([label for part in files for _, label in part])
        labels = labels.astype(np.min_scalar_type(len(classes) - 1))
        places = self._places([len(part) for part in files])
        check_classes(labels, classes, places)
        train, validation, test = (Examples(pixels[at], labels[at], SCALE) for at in places)
        return Dataset(
            folder.name or "images",
            train,
            validation,
            test,
            classes=len(classes),
            source=f"{folder} ({len(bad)} unreadable files left out)" if bad else str(folder),
            class_names=classes,
            image_shape=self.shape,
        )

    def _read(self, paths: Sequence[Path], progress: Progress) -> tuple[Bytes, Collection[Path]]:
        """Give the pixels of files that can be read, and the files that cannot."""
        height, width = _sides(self.size)

        def build() -> dict[str, Bytes]:
            pixels, bad = read_all(paths, (height, width), self.channels, progress)
            if bad:
                raise refusal(bad, len(paths), path_of(self.path, "FOLDER"))
            return {"pixels": pixels}

        if not self.allow_unreadable:
            name = f"images-{height}x{width}-{self.channels}"
            each = height * width * len(MODES[self.channels])
            return cached(name, paths, build, {"pixels": (len(paths), each)})["pixels"], ()
        # Never cached: why a file could not be read may pass without a trace in the file.
        pixels, bad = read_all(paths, (height, width), self.channels, progress)
        return pixels[[path not in bad for path in paths]], bad

    def _places(self, sizes: Sequence[int]) -> Parts:
        """Give the places of each part, among the images of one folder, or of three."""
        if len(sizes) == 1:
            return Split(self.validation, self.test, self.split_seed).deal(sizes[0])
        train, validation, test = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        return train, validation, test


def _sides(size: Any) -> tuple[int, int]:
    sides = [size, size] if isinstance(size, int) else size
    if not isinstance(sides, Sequence) or len(sides) != 2 or not all(map(_is_side, sides)):
        allowed = f"a whole number from 1 to {MOST}, or two of them: height and width"
        raise SettingError("size", allowed, size, "28")
    return int(sides[0]), int(sides[1])


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST
