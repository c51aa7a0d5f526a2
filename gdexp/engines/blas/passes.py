"""Programs of the BLAS engine: the way forward, an update by m examples, and by one at a time."""

from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from gdexp.descent import Scaling
from gdexp.engines.blas.elementwise import SLOPED, activate, back, slopes
from gdexp.engines.blas.first_layer import First, first_layer
from gdexp.engines.blas.gemm import Array, Program, gemm
from gdexp.engines.blas.rooms import Load, Room, Weights
from gdexp.problems import CrossEntropy, Network


@dataclass(frozen=True)
class Rate:
    """A learning rate under its convention: what Σ ∇C_x over m examples is multiplied by."""

    scaling: Scaling
    eta: float

    def of(self, m: int) -> float:
        """η, or η / m."""
        return self.scaling.of_update(self.eta, m)


class Passes:
    """Makes programs for one network.

    Parameters
    ----------
    network : Network
    weights : Weights
        Parameters, from which all is computed.
    to : Weights
        What updates are added to: the parameters themselves, or a sum of chunks.
    """

    def __init__(self, network: Network, weights: Weights, to: Weights) -> None:
        self._network, self._weights, self._added_to = network, weights, to
        self._v, self._to = weights.v, to.v
        self._names = network.architecture.names
        # Of cross-entropy the output's slope cancels: δ = a − y.
        self._cancels = isinstance(network.cost_of, CrossEntropy)

    def forward(self, load: Load) -> tuple[Program, Array, Array]:
        """Give the steps that feed a load forward, and where they leave the output's z and a."""
        room = Room(self._network, load.size)
        first = self._first(room, load.x, load.scale, 0.0)
        program = [*first.forward, *self._forward(room, first.z)]
        return program, [first.z, *room.z[1:]][-1], room.a[-1]

    def updates(self, load: Load, rate: Rate) -> Program:
        """Give the steps of an update by each mini-batch of a load."""
        rooms: dict[int, Room] = {}
        program: Program = []
        for y, at in zip(load.y, range(0, load.size, load.m), strict=True):
            x = load.x[at : at + load.m]  # (m, n_in + 1)
            if len(x) not in rooms:
                rooms[len(x)] = Room(self._network, len(x))
            room, eta = rooms[len(x)], rate.of(len(x))
            program += self._update(room, self._first(room, x, load.scale, eta), y, eta)
        return program

    def _first(self, room: Room, x: Array, scale: float, eta: float) -> First:
        return first_layer(self._weights, self._added_to, room, x, scale, eta)

    def look_ahead(self, load: Load, rate: Rate) -> Program:
        """Give the steps of an update by each single example of a load.

        The first layer's large matrix W is touched twice a load instead of twice an example. Before
        example i it is W − η Σ δ_k x_kᵀ over the examples k < i, so that its weighted input is
        z_i = W x_i − η Σ δ_k (x_k·x_i): products of all pairs of inputs are had at once, and an
        example's error then changes the z of those yet to come. The same descent, but for rounding.
        """
        b, n, eta = load.size, self._network.sizes[1], rate.of(1)
        z, delta = np.zeros((2, b, len(self._v[0])), self._network.dtype)
        pairs = np.empty((b, b), self._network.dtype)  # x_k·x_i
        room = Room(self._network, 1)
        program = [
            gemm(z, load.x, self._v[0].T, 1 / load.scale),
            gemm(pairs, load.x, load.x.T, 1 / load.scale**2),
        ]
        for i in range(b):
            first = First(z[i, :n].reshape(n, 1), delta[i, :n].reshape(n, 1))
            if i + 1 < b:
                to_come = pairs[i, i + 1 :].reshape(-1, 1)  # (b − i − 1, 1)
                first.update = [gemm(z[i + 1 :], to_come, delta[i : i + 1], -eta, 1.0)]
            program += self._update(room, first, load.y[i], eta)
        return [*program, gemm(self._to[0], delta.T, load.x, -eta / load.scale, 1.0)]

    def _update(self, room: Room, first: First, y: Array, eta: float) -> Program:
        deltas = [first.delta, *room.delta[1:]]
        return [
            *first.forward,
            *self._forward(room, first.z),
            *self._backward(room, deltas, y),
            *first.update,
            *(
                gemm(self._to[l], deltas[l], room.with_ones[l - 1].T, -eta, 1.0)
                for l in range(1, len(deltas))
            ),
        ]

    def _forward(self, room: Room, z: Array) -> Program:
        program = activate(self._names[0], z, room.a[0])
        for l in range(1, len(self._v)):
            program.append(gemm(room.z[l], self._v[l], room.with_ones[l - 1]))
            program += activate(self._names[l], room.z[l], room.a[l])
        return program

    def _backward(self, room: Room, deltas: list[Array], y: Array) -> Program:
        last = len(deltas) - 1
        program: Program = [partial(np.subtract, room.a[last], y, deltas[last])]
        program += self._slopes(room)
        if not self._cancels:
            program += self._back(room, last, deltas[last], deltas[last])
        for l in range(last - 1, -1, -1):
            program.append(gemm(room.nabla[l], self._v[l + 1].T, deltas[l + 1]))
            program += self._back(room, l, room.delta[l], deltas[l])
        return program

    def _back(self, room: Room, l: int, nabla_a: Array, delta: Array) -> Program:
        return back(self._names[l], room.a[l], room.s[l], nabla_a, delta)

    def _slopes(self, room: Room) -> Program:
        """Adjacent layers of one activation are done in one go."""
        program: Program = []
        first = 0
        for name, layers in groupby(self._names[:-1] if self._cancels else self._names):
            last = first + len(list(layers))
            if name in SLOPED:
                program += slopes(name, *room.between(first, last))
            first = last
        return program
