"""An endless stream of handwritten digits: those that are embedded, each time distorted anew."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.digits import Digits
from gdexp.data.examples import Dataset, Examples
from gdexp.data.streams.arrivals import Arrivals, Arriving, Example, to_come
from gdexp.errors import real, whole

SIDE = 8  # pixels
AT_ONCE = 256  # images drawn together; never the batch, so that the stream is the same for all

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Distorted(Arriving):
    """Digits without end: training images of `Digits`, drawn with replacement and distorted.

    An image is turned about its centre by an angle from N(0, rotation²), moved by up to `shift`
    pixels down and to the right (each uniform), read off by bilinear interpolation with zeros
    outside, given noise from N(0, noise²), and cut to [0, 1]. Validation and test are those of
    `Digits`, as they are: of no image that is distorted here.

    Parameters
    ----------
    seed : int
        Of all that is drawn, >= 0.
    rotation : float
        Degrees, >= 0.
    shift : float
        Pixels, >= 0.
    noise : float
        In units of the whitest pixel, >= 0.
    enough : int
        How many images a run takes that is told no other end, >= 1.

    Raises
    ------
    SettingError
        Where one is not allowed.
    """

    seed: int
    rotation: float
    shift: float
    noise: float
    enough: int
    option = "distorted"

    def __post_init__(self) -> None:
        whole("seed", self.seed, 0, "0")
        real("rotation", self.rotation, "10", "[0, inf)")
        real("shift", self.shift, "1", "[0, inf)")
        real("noise", self.noise, "0.05", "[0, inf)")
        whole("enough", self.enough, 1, "50000")

    def open(self, bad_lines: str) -> Arrivals:
        """Begin the stream; it has no lines that could be bad."""
        digits = Digits().load()
        dataset: Dataset = to_come(replace(digits, name="distorted digits"))
        pixels = Examples(np.empty((0, SIDE * SIDE)), dataset.train.labels)
        return Arrivals(replace(dataset, train=pixels), self._examples(digits.train))

    def _examples(self, originals: Examples) -> Iterator[Example]:
        images = originals.x(slice(None)).reshape(-1, SIDE, SIDE)
        rng = np.random.default_rng(self.seed)
        while True:
            drawn = rng.integers(0, len(images), AT_ONCE)
            yield from zip(self._distort(rng, images[drawn]), originals.labels[drawn], strict=True)

    def _distort(self, rng: np.random.Generator, images: Array) -> Array:
        """Give (k, 64) pixels for (k, 8, 8)."""
        k = len(images)
        angles = np.deg2rad(rng.normal(0, self.rotation, k))
        moves = rng.uniform(-self.shift, self.shift, (2, k, 1))
        distorted = read_off(images, angles, moves)
        distorted += rng.normal(0, self.noise, distorted.shape)
        return np.clip(distorted, 0, 1, out=distorted)


def read_off(images: Array, angles: Array, moves: Array) -> Array:
    """Turn and move images: each pixel is read off where it comes from.

    Parameters
    ----------
    images : ndarray, shape (k, side, side)
    angles : ndarray, shape (k,)
        In radians.
    moves : ndarray, shape (2, k, 1)
        Down and to the right, in pixels.

    Returns
    -------
    ndarray, shape (k, side²)
    """
    side = images.shape[1]
    centre = (side - 1) / 2
    row, column = (at.ravel() - centre for at in np.indices((side, side)))  # (side²,)
    row, column = row - moves[0], column - moves[1]  # (k, side²)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    return bilinear(images, cos * row + sin * column + centre, cos * column - sin * row + centre)


def bilinear(images: Array, row: Array, column: Array) -> Array:
    """Interpolate (k, side, side) images at k times as many places; zero outside."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    last = padded.shape[1] - 2
    row, column = np.clip(row + 1, 0, last + 1), np.clip(column + 1, 0, last + 1)
    top, left = (np.minimum(at.astype(np.intp), last) for at in (row, column))
    down, right = row - top, column - left
    which: NDArray[Any] = np.arange(len(images))[:, None]
    above = (1 - right) * padded[which, top, left] + right * padded[which, top, left + 1]
    below = (1 - right) * padded[which, top + 1, left] + right * padded[which, top + 1, left + 1]
    interpolated: Array = (1 - down) * above + down * below
    return interpolated
