"""Saturation: where an activation function is so flat that hardly any error passes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.descent import Vector
from gdexp.problems import Network
from gdexp.problems.feedforward import Array, forward

Flags = NDArray[np.bool_]

# f'(z) below 1/25 of its largest value; for relu that is f'(z) = 0.
SATURATED: dict[str, Callable[[Array], Flags]] = {
    "sigmoid": lambda a: a * (1 - a) < 0.01,  # at most 1/4; a < 0.0101 or a > 0.9899
    "softmax": lambda a: a * (1 - a) < 0.01,  # its Jacobian's diagonal
    "tanh": lambda a: 1 - a * a < 0.04,  # at most 1; |a| > 0.9798
    "relu": lambda a: a <= 0,
    "identity": lambda a: np.zeros(a.shape, bool),
}


@dataclass(frozen=True)
class Saturation:
    """How much of a hidden layer is saturated.

    Parameters
    ----------
    share : float
        Of all pairs of unit and example, those in which the unit is saturated.
    dead : float
        Of the units, those that are saturated on every example.
    flat_ends : bool
        Whether saturation is a fault: a relu unit is off on half of the examples by design.
    """

    share: float
    dead: float
    flat_ends: bool


def saturation(network: Network, v: Vector, examples: NDArray[np.intp]) -> list[Saturation]:
    """Look at the hidden layers, from the first on, on some of the training inputs.

    A unit is saturated on an example where f'(z) is below 1/25 of the largest value it can have:
    a(1 − a) < 0.01 for sigmoid (and for softmax, the diagonal of its Jacobian), 1 − a² < 0.04 for
    tanh, z <= 0 for relu, never for identity.
    """
    x: NDArray[Any] = network.dataset.train.x(examples, network.dtype)
    names = network.architecture.names[:-1]
    with np.errstate(over="ignore"):  # exp(-z) of a saturated sigmoid
        activations = [a for _, a in forward(network.layers(v), network.activations, x)]
    found = []
    for name, a in zip(names, activations, strict=False):
        flags = SATURATED[name](a)  # (m, k)
        ends = name in ("sigmoid", "tanh", "softmax")
        found.append(Saturation(float(flags.mean()), float(flags.all(axis=0).mean()), ends))
    return found
