"""What the first layer looks for: each unit's weights as an image."""

from dataclasses import dataclass

import numpy as np

from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject
from gdexp.diagnostics.files import card
from gdexp.diagnostics.sheets import sheet, signed
from gdexp.errors import whole
from gdexp.problems import Network


@dataclass(frozen=True)
class Weights(Diagnostic):
    """Draws the weights of the first layer, one tile a unit, in the shape of the inputs.

    Blue is negative, white zero, red positive. All tiles of a sheet share a scale, whose end is
    the 99.5th percentile of |w|. Weights of pixels that are 0 in every training image have no
    gradient, and stay as they were drawn.

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    units : int
        At most so many are drawn, the first ones.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    every: int = 5
    units: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("units", self.units, 1, "100")

    def unfit(self, problem: Subject) -> str:
        """Refuse inputs that are no pixels."""
        if not isinstance(problem, Network):
            return "only a network has weights to draw"
        return "" if problem.dataset.image_shape else "the inputs of these data are no images"

    def look(self, sight: Sight) -> Finding:
        """Draw the sheet."""
        network = sight.problem
        assert isinstance(network, Network)  # `unfit`
        w, _ = network.layers(sight.v)[0]  # (k, n_in)
        shape, shown = network.dataset.image_shape, w[: self.units].astype(np.float64)
        most = float(np.quantile(np.abs(shown), 0.995))
        drawn = sheet([signed(unit.reshape(shape), most) for unit in shown])
        return Finding(files=card(sight.folder, "weights", sight.epoch.number, drawn))
