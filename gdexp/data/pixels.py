"""Image files as rows of bytes, all of one size."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.listing import several
from gdexp.data.progress import Progress
from gdexp.errors import GdexpError

MODES = {"grey": "L", "rgb": "RGB"}
# Formats of pictures alone: Pillow would run Ghostscript for others.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MOST_PIXELS = 50_000_000  # of one image, looked at before it is unpacked
MOST_BYTES = 4 << 30  # of all images together, once they have their size
MANY = 5000  # images that take a while

Bytes = NDArray[np.uint8]


def read_all(
    paths: Sequence[Path], size: tuple[int, int], channels: str, progress: Progress
) -> tuple[Bytes, dict[Path, str]]:
    """Read images.

    Parameters
    ----------
    paths : sequence of Path
    size : tuple of int
        Height and width that each is brought to.
    channels : str
        ``grey`` or ``rgb``.
    progress : Progress
        Shows how far it is, where there are many.

    Returns
    -------
    ndarray of uint8, shape (n, height * width) or (n, height * width * 3)
        Row by row of each image, with its colours together; zeros for one that is unreadable.
    dict of Path to str
        Those that are unreadable, and why.

    Raises
    ------
    GdexpError
        Where they would take more than `MOST_BYTES`.
    """
    each = size[0] * size[1] * len(MODES[channels])
    if len(paths) * each > MOST_BYTES:
        raise GdexpError(
            f"{len(paths):,} images of {each:,} bytes take more than {MOST_BYTES >> 30} GiB. "
            "Take a smaller data.size, or fewer images."
        )
    pixels, bad = np.zeros((len(paths), each), np.uint8), {}
    with _told(paths, progress) as advance:
        for row, path in zip(pixels, paths, strict=True):
            try:
                row[:] = read(path, size, channels).ravel()
            except Exception as error:  # decoders of damaged files raise anything
                bad[path] = _reason(error)
            advance(path)
    return pixels, bad


def read(path: Path, size: tuple[int, int], channels: str) -> Bytes:
    """Read one image: turned as its camera was held, its transparent parts white.

    An image of another size is resized bilinearly, over all pixels that fall into a new one
    (Pillow's BILINEAR); its proportions are not kept. Colours become grey by Rec. 601,
    0.299 R + 0.587 G + 0.114 B. Of an animation, the first image is read.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)

    Raises
    ------
    Exception
        Whatever Pillow raises where the file is no image or is damaged; ValueError where it has
        more than `MOST_PIXELS`, or more than 8 bits a pixel and colour.
    """
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images, which are refused below
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                told = f"{image.width:,} x {image.height:,} pixels"
                raise ValueError(f"has {told}, more than {MOST_PIXELS:,}")
            if image.mode[0] in "IF":
                raise ValueError("has more than 8 bits a pixel")
            upright = ImageOps.exif_transpose(image)
    plain = _on_white(upright).convert(MODES[channels])
    fitted = plain.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(fitted, np.uint8)


def refusal(bad: Mapping[Path, str], n: int, folder: Path) -> GdexpError:
    """Say which of n files below a folder are unreadable, and why."""
    told = [f"{path.relative_to(folder)} ({why})" for path, why in bad.items()]
    return GdexpError(
        f"{len(bad):,} of {n:,} files in {folder} cannot be read as images: {several(told)}. "
        "Mend or remove them, or leave them out with data.allow_unreadable=true."
    )


@contextmanager
def _told(paths: Sequence[Path], progress: Progress) -> Iterator[Callable[[Path], object]]:
    if len(paths) < MANY:
        yield lambda path: None
        return
    sizes = {path: path.stat().st_size for path in paths}
    with progress(f"reading {len(paths):,} images", sum(sizes.values())) as advance:
        yield lambda path: advance(sizes[path])


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no image of a known format"
    told = getattr(error, "strerror", None) or str(error)
    return " ".join(told.split()) or type(error).__name__


def _on_white(image: Any) -> Any:
    from PIL import Image

    if not image.has_transparency_data:
        return image
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
