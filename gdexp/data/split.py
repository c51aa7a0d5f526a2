"""Examples dealt out to training, validation and test, by shares and a seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import GdexpError, SettingError, real, whole

Parts = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Split:
    """How many examples go where.

    Parameters
    ----------
    validation, test : float
        Shares of all examples, each from 0 to below 1, together below 1; training has the rest.
    split_seed : int
        Of the order in which they are dealt out.

    Raises
    ------
    SettingError
        Where a share or the seed is not so.
    """

    validation: float
    test: float
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            real(name, getattr(self, name), "0.15", "[0, 1)")
        if self.validation + self.test >= 1:
            allowed = f"a share that leaves some for training: below {1 - self.validation:g}"
            raise SettingError("test", allowed, self.test, "0.15")
        whole("split_seed", self.split_seed, 0, "0")

    def sizes(self, n: int) -> tuple[int, int, int]:
        """Give how many of n examples are for training, validation and test.

        Raises
        ------
        GdexpError
            Where a part that has a share would be empty.
        """
        validation, test = round(self.validation * n), round(self.test * n)
        sizes = {"training": n - validation - test, "validation": validation, "test": test}
        shares = (1.0, self.validation, self.test)
        for (part, size), share in zip(sizes.items(), shares, strict=True):
            if share > 0 and size <= 0:
                raise GdexpError(
                    f"data.validation={self.validation:g} and data.test={self.test:g} of {n} "
                    f"examples leave none for {part}. Take other shares, or bring more examples."
                )
        return sizes["training"], validation, test

    def deal(self, n: int) -> Parts:
        """Shuffle 0 ... n - 1, and give the places of each part: training first, then the others.

        Raises
        ------
        GdexpError
            Where a part that has a share would be empty.
        """
        first, second, _ = self.sizes(n)
        order = np.random.default_rng(self.split_seed).permutation(n)
        return order[:first], order[first : first + second], order[first + second :]
