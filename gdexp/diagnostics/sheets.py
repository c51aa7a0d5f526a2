"""Many small images on one sheet."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]  # (height, width, 3)
TILE = 84  # pixels of a tile's longer side, about
GAP, CAPTION = 4, 14  # pixels
PAPER = 255


def grey(values: NDArray[Any]) -> Pixels:
    """Draw values from 0 (white) to 1 (black), (h, w); or a colour image, (h, w, 3), as it is."""
    clipped = np.clip(values, 0, 1)
    shades = clipped if clipped.ndim == 3 else np.repeat(1 - clipped[..., None], 3, axis=2)
    pixels: Pixels = np.round(255 * shades).astype(np.uint8)
    return pixels


def signed(values: NDArray[Any], most: float) -> Pixels:
    """Draw values from −most (blue) over 0 (white) to most (red), (h, w) or (h, w, 3).

    Of a colour image's weights the mean over its channels is drawn.
    """
    flat = values.mean(axis=2) if values.ndim == 3 else values
    share = np.clip(flat / most if most > 0 else np.zeros_like(flat), -1, 1)
    red, blue = 1 + np.minimum(share, 0), 1 - np.maximum(share, 0)
    return np.round(255 * np.stack([red, np.minimum(red, blue), blue], axis=2)).astype(np.uint8)


def sheet(tiles: Sequence[Pixels], captions: Sequence[str] = ()) -> "Image.Image":
    """Set tiles of equal shape out in rows, each under its caption, as near a square as may be."""
    from PIL import Image, ImageDraw

    factor = max(1, TILE // max(tiles[0].shape[:2]))
    height, width = (factor * side for side in tiles[0].shape[:2])
    across = ceil(sqrt(len(tiles)))
    line = height + GAP + (CAPTION if captions else 0)
    down = ceil(len(tiles) / across)
    size = (across * (width + GAP) + GAP, down * line + GAP)
    paper = Image.new("RGB", size, (PAPER,) * 3)
    draw = ImageDraw.Draw(paper)
    for i, tile in enumerate(tiles):
        x, y = GAP + i % across * (width + GAP), GAP + i // across * line
        if captions:
            draw.text((x, y), captions[i], fill=(0, 0, 0))
            y += CAPTION
        paper.paste(Image.fromarray(tile).resize((width, height), Image.Resampling.NEAREST), (x, y))
    return paper
