"""A fully connected network's way forward, in NumPy alone.

This file imports nothing of gdexp: a copy of it travels in every tracked model, so that the model
predicts with the very code that was trained, also where gdexp is not installed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Layer = tuple[Array, Array]  # w: (n_out, n_in), b: (n_out,)


@dataclass(frozen=True)
class Activation:
    """An activation function a = f(z), and the way of an error back through it.

    Parameters
    ----------
    of : callable
        f, of weighted inputs z, shape (m, k).
    back : callable
        Given a = f(z) and ∇_a C, both (m, k), gives δ = ∂C/∂z (Nielsen, eqs. BP1 and BP2; for
        softmax, whose outputs depend on all of its inputs, the full Jacobian's product).
    """

    of: Callable[[Array], Array]
    back: Callable[[Array, Array], Array]


def _sigmoid(z: Array) -> Array:
    a = np.negative(z, out=np.empty_like(z))
    np.exp(a, out=a)
    np.add(a, 1, out=a)
    np.reciprocal(a, out=a)
    return a


def _softmax(z: Array) -> Array:
    a = np.empty_like(z)
    np.subtract(z, z.max(axis=-1, keepdims=True), out=a)  # at most 0: exp does not overflow
    np.exp(a, out=a)
    np.divide(a, a.sum(axis=-1, keepdims=True), out=a)
    return a


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, lambda a, nabla_a: nabla_a * (a * (1 - a))),
    "tanh": Activation(np.tanh, lambda a, nabla_a: nabla_a * (1 - a * a)),
    "relu": Activation(lambda z: np.maximum(z, 0), lambda a, nabla_a: nabla_a * (a > 0)),
    "identity": Activation(lambda z: z, lambda a, nabla_a: nabla_a),
    "softmax": Activation(
        _softmax,
        lambda a, nabla_a: a * (nabla_a - (nabla_a * a).sum(axis=-1, keepdims=True)),
    ),
}


def forward(
    layers: Sequence[Layer], activations: Sequence[Activation], x: Array
) -> Iterator[tuple[Array, Array]]:
    """Give each layer's weighted input z = a wᵀ + b and activation a = f(z) for inputs x.

    Parameters
    ----------
    layers : sequence of (w, b)
        Weights (n_out, n_in) and biases (n_out,), from the first layer on.
    activations : sequence of Activation
        One a layer.
    x : ndarray, shape (m, n_in)

    Yields
    ------
    (z, a) : both of shape (m, n_out)
    """
    a = x
    for (w, b), activation in zip(layers, activations, strict=True):
        z = a @ w.T  # (m, n_out)
        z += b
        a = activation.of(z)
        yield z, a


def outputs(layers: Sequence[Layer], activations: Sequence[Activation], x: Array) -> Array:
    """Give the output activations, (m, k), of a network for inputs x, (m, n_in)."""
    with np.errstate(over="ignore"):  # exp(-z) of a saturated sigmoid: inf, and 1/inf = 0 is right
        *_, (_, a) = forward(layers, activations, x)
    return a
