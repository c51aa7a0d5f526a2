"""The four files of MNIST: what they are, where they are, and how a folder gets them."""

from collections.abc import Sequence
from pathlib import Path

from gdexp.data.download import Published, download
from gdexp.data.idx import FileError
from gdexp.data.progress import Progress
from gdexp.errors import GdexpError

FILES = (
    Published(
        "train-images-idx3-ubyte",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    Published(
        "train-labels-idx1-ubyte",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    Published(
        "t10k-images-idx3-ubyte",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    Published(
        "t10k-labels-idx1-ubyte",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def locate(folder: Path, mirrors: Sequence[str], progress: Progress) -> tuple[Path, ...]:
    """Find the four files in a folder, downloading into it those that it lacks.

    A file goes by its published name, or by that with a dot (``train-images.idx3-ubyte``),
    with or without ``.gz``.

    Parameters
    ----------
    folder : Path
        The folder; it is made where it is missing.
    mirrors : sequence of str
        Addresses to download from, tried in turn.
    progress : Progress
        Shows how far a download is.

    Returns
    -------
    tuple of Path
        Training images and labels, then test images and labels.

    Raises
    ------
    GdexpError
        Where a file is missing and cannot be had, or may not be: a folder that holds a part
        of some other data is not filled up with MNIST's.
    """
    if _missing(folder):
        _refuse_to_mix(folder)
        _bring(folder, mirrors, progress)
    paths = tuple(path for file in FILES if (path := _find(folder, file)) is not None)
    if len(paths) < len(FILES):
        raise _lack(folder, "a file vanished meanwhile")
    return paths


def _find(folder: Path, file: Published) -> Path | None:
    names = (file.name, file.name.replace("-idx", ".idx"))
    paths = (folder / f"{name}{end}" for end in ("", ".gz") for name in names)
    return next((path for path in paths if path.is_file()), None)


def _missing(folder: Path) -> list[Published]:
    return [file for file in FILES if _find(folder, file) is None]


def _refuse_to_mix(folder: Path) -> None:
    # Fashion-MNIST's images with MNIST's labels would fit, and teach nonsense.
    for file in FILES:
        path = _find(folder, file)
        if path is not None and not file.is_at(path):
            lacking = ", ".join(missing.name for missing in _missing(folder))
            what = f"is not MNIST's, so its folder is not filled up with MNIST's {lacking}"
            raise FileError(path, what, f"Put the rest into {folder}, or remove this file.")


def _bring(folder: Path, mirrors: Sequence[str], progress: Progress) -> None:
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Of many processes that start at once, one downloads and the others wait for it.
        with FileLock(folder / ".download.lock"):
            for file in _missing(folder):
                download(file, folder, mirrors, progress)
    except (OSError, NotImplementedError) as error:  # the latter: a disk that knows no locks
        told = getattr(error, "strerror", None) or error
        raise _lack(folder, f"the folder cannot be written: {told}") from error
    except GdexpError as error:
        raise _lack(folder, str(error)) from error


def _lack(folder: Path, reason: str) -> GdexpError:
    names = ", ".join(file.name for file in _missing(folder))
    return GdexpError(
        f"MNIST is incomplete: {folder} lacks {names}, and downloading failed ({reason}). "
        "Put the files there, with or without .gz, or name a folder that has them by "
        "data.root=FOLDER or GDEXP_DATA; data=digits needs no files."
    )
