"""How large gradient, weights and updates are, and how many units are saturated."""

from dataclasses import dataclass

import numpy as np

from gdexp.descent import Vector
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight
from gdexp.diagnostics.layers import drawn, layers
from gdexp.diagnostics.saturation import Saturation, saturation
from gdexp.errors import whole
from gdexp.problems import Network

MUCH = 0.5  # of the activations of a layer saturated is worth a remark


@dataclass(frozen=True)
class Norms(Diagnostic):
    """Euclidean norms, of all parameters and of each layer's (weights and biases together).

    ``grad/norm``: ‖∇C‖ of the mean cost, C = 1/n Σ C_x, over all training inputs, whatever the
    run's scaling. ``weights/norm``: ‖v‖. ``update/norm``: ‖v − v'‖ / u, with v' the point at the
    last look and u the updates since: the net movement an update. It is at most the mean length
    of an update (triangle inequality), and equal to it for u = 1; updates that go to and fro
    cancel. ``grad/update_ratio``: that over ‖v‖.

    ``units/saturated_layer_l`` and ``units/dead_layer_l``: see `saturation`.

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    examples : int
        On how many training inputs, drawn anew at each look, saturation is counted.

    Raises
    ------
    SettingError
        Where a number is not allowed.
    """

    examples: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("examples", self.examples, 1, "1000")

    def look(self, sight: Sight) -> Finding:
        """Compute one full gradient, and one pass forward of `examples` inputs."""
        problem, v = sight.problem, np.asarray(sight.v, np.float64)
        places = layers(problem, v)
        gradient = problem.gradient(sight.v, slice(0, problem.n)).astype(np.float64) / problem.n
        found = Finding({**_norms("grad/norm", gradient, places)})
        weights = _norms("weights/norm", v, places)
        found.metrics.update(weights)
        if sight.previous is not None and sight.epoch.updates > sight.previous.updates:
            step = (v - sight.previous.v) / (sight.epoch.updates - sight.previous.updates)
            updates = _norms("update/norm", step, places)
            found.metrics.update({**updates, **_ratios(updates, weights)})
        if isinstance(problem, Network):
            some = drawn(sight.rng, problem.n, self.examples)
            _tell(saturation(problem, sight.v, some), found)
        return found


def _norms(name: str, x: Vector, places: dict[str, slice]) -> dict[str, float]:
    of_layers = {f"{name}_{layer}": float(np.linalg.norm(x[at])) for layer, at in places.items()}
    return {name: float(np.linalg.norm(x)), **of_layers}


def _ratios(updates: dict[str, float], weights: dict[str, float]) -> dict[str, float]:
    pairs = zip(updates.items(), weights.values(), strict=True)
    return {
        name.replace("update/norm", "grad/update_ratio"): update / weight
        for (name, update), weight in pairs
        if weight > 0
    }


def _tell(layers: list[Saturation], found: Finding) -> None:
    for l, layer in enumerate(layers, start=1):
        found.metrics[f"units/saturated_layer_{l}"] = layer.share
        found.metrics[f"units/dead_layer_{l}"] = layer.dead
        if layer.dead > 0:
            found.notes.append(
                f"layer {l}: {layer.dead:.0%} of the units pass no error back on any example looked"
                " at; try a smaller eta, or architecture.initialization=scaled_normal"
            )
        elif layer.share > MUCH and layer.flat_ends:
            found.notes.append(
                f"layer {l}: {layer.share:.0%} of the activations are saturated;"
                " try architecture.initialization=scaled_normal, or a smaller eta"
            )
