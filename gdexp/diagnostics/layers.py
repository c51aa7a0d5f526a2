"""Where in v the parameters of each layer are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Vector
from gdexp.diagnostics.diagnostic import Subject
from gdexp.problems import Network


def layers(problem: Subject, v: Vector) -> dict[str, slice]:
    """Give each layer's place in v, weights and biases together; none where there are no layers."""
    if not isinstance(problem, Network):
        return {}
    places, at = {}, 0
    for l, (w, b) in enumerate(problem.layers(v), start=1):
        places[f"layer_{l}"] = slice(at, at := at + w.size + b.size)
    return places


def drawn(rng: np.random.Generator, n: int, most: int) -> NDArray[np.intp]:
    """Draw `most` of n training inputs without replacement, in ascending order; all where fewer."""
    chosen: NDArray[Any] = rng.choice(n, most, replace=False) if most < n else np.arange(n)
    return np.sort(chosen).astype(np.intp)
