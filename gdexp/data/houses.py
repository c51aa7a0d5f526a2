"""Houses that do not exist: sizes and prices drawn from a seed, on a line but for noise."""

from dataclasses import dataclass

import numpy as np

from gdexp.data.assemble import Target, assemble
from gdexp.data.examples import Dataset
from gdexp.data.features import Features
from gdexp.data.progress import Progress, on_stderr
from gdexp.data.split import Split
from gdexp.errors import SettingError, real, whole

SMALLEST, LARGEST = 40.0, 200.0  # m²
MOST = 10_000_000


@dataclass(frozen=True)
class Houses:
    """Sizes and prices of houses, generated: price = a + b · size + noise · N(0, 1).

    Sizes, in m², are uniform from 40 to 200; prices are in thousands of some currency. No house
    of them was ever for sale: the truth is known here, so that a fit can be held against it.

    Parameters
    ----------
    n : int
        How many houses.
    a, b : float
        Price of no house at all, and of each m².
    noise : float
        Standard deviation of the prices around the line, >= 0.
    validation, test : float
        Shares of the houses.
    houses_seed : int
        Of the sizes and the noise.

    Raises
    ------
    SettingError
        Where one of them is not so.
    """

    n: int = 200
    a: float = 50.0
    b: float = 3.0
    noise: float = 30.0
    validation: float = 0.15
    test: float = 0.15
    houses_seed: int = 0

    def __post_init__(self) -> None:
        if whole("n", self.n, 1, "200") > MOST:
            raise SettingError("n", f"at most {MOST:,}", self.n, "200")
        real("a", self.a, "50.0", "(-inf, inf)")
        real("b", self.b, "3.0", "(-inf, inf)")
        real("noise", self.noise, "30.0", "[0, inf)")
        whole("houses_seed", self.houses_seed, 0, "0")
        Split(self.validation, self.test)

    def load(self, progress: Progress = on_stderr) -> Dataset:
        """Draw the houses.

        Parameters
        ----------
        progress : Progress
            Never used here: all sources are loaded in the same way.

        Returns
        -------
        Dataset
            A regression with one input, the size, standardised.

        Raises
        ------
        GdexpError
            Where a part would be empty.
        """
        rng = np.random.default_rng(self.houses_seed)
        size = rng.uniform(SMALLEST, LARGEST, self.n)
        price = self.a + self.b * size + self.noise * rng.standard_normal(self.n)
        first, second, _ = Split(self.validation, self.test).sizes(self.n)
        each = np.arange(self.n)
        return assemble(
            "houses",
            f"generated, no real houses: price = {self.a:g} + {self.b:g} size "
            f"+ {self.noise:g} N(0, 1)",
            Features(size[:, None], ["size"], np.array([False])),
            Target(price),
            (each[:first], each[first : first + second], each[first + second :]),
            "standardize",
        )
