"""Folders of images: a sub-folder a class, and perhaps one a part above these."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from gdexp.data.listing import quoted
from gdexp.errors import GdexpError

PARTS = ("train", "validation", "test")

Labelled = list[tuple[Path, int]]
"""Files and the class of each, from 0, in the order of their names, across the classes."""


def parts_of(folder: Path) -> list[Path]:
    """Give the folders that hold a sub-folder for each class: three parts, or the folder itself.

    Raises
    ------
    GdexpError
        Where the folder cannot be read, or holds some of the parts only, or more than these.
    """
    names = set(_folders(folder))
    if len(names & set(PARTS)) < 2:  # one of them may be a class: there are images of trains
        return [folder]
    if names != set(PARTS):
        raise GdexpError(
            f"{folder} must hold train, validation and test, or a folder for each class: then "
            f"data.validation and data.test are shares of all. Got {quoted(sorted(names))}."
        )
    return [folder / part for part in PARTS]


def classes_of(folder: Path) -> tuple[str, ...]:
    """Name the classes: the sub-folders, in the order of the alphabet, or of numbers.

    Raises
    ------
    GdexpError
        Where there are none, or one only.
    """
    names = _folders(folder)
    if not names:
        raise GdexpError(f"{folder} holds no folders: one for each class, with its images in it.")
    if len(names) == 1:
        raise GdexpError(
            f"{folder} holds one class only, {names[0]!r}: there is nothing to learn. "
            "Put a folder for each class into it."
        )
    digits = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name) if digits else 0, name)))


def files_of(folder: Path, classes: Sequence[str]) -> Labelled:
    """List the files of each class; those whose names begin with a dot are none.

    Raises
    ------
    GdexpError
        Where a folder is empty, or of a class that is not among these.
    """
    here = _folders(folder)
    if strange := sorted(set(here) - set(classes)):
        raise GdexpError(f"{folder} holds the class {quoted(strange)}, which training has not.")
    files: list[tuple[str, str, int]] = []
    for label, name in enumerate(classes):
        found = _files(folder / name) if name in here else []
        if name in here and not found:
            raise GdexpError(f"{folder / name} holds no files. Put images there, or remove it.")
        files += [(each, name, label) for each in found]
    if not files:
        raise GdexpError(f"{folder} holds no images. Put a folder for each class into it.")
    folders = [folder / name for name in classes]
    return [(folders[label] / file, label) for file, _, label in sorted(files)]


def _folders(folder: Path) -> list[str]:
    return _listed(folder, os.DirEntry.is_dir)


def _files(folder: Path) -> list[str]:
    return _listed(folder, os.DirEntry.is_file)


def _listed(folder: Path, is_wanted: Callable[["os.DirEntry[str]"], bool]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [each.name for each in entries if each.name[0] != "." and is_wanted(each)]
    except OSError as error:
        raise GdexpError(
            f"{folder} cannot be read: {error.strerror}. Name a folder with data.path=FOLDER."
        ) from error
