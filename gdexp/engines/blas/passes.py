"""Programs of the BLAS engine: the way forward, an update by m examples, and by one at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from gdexp.descent import Scaling
from gdexp.engines.blas.ahead import Ahead
from gdexp.engines.blas.elementwise import SLOPED, activate, back, slopes, takes_negative
from gdexp.engines.blas.first_layer import First, FirstLayer
from gdexp.engines.blas.gemm import Array, Program, gemm
from gdexp.engines.blas.load import Inputs
from gdexp.engines.blas.rooms import Room, Weights
from gdexp.problems import CrossEntropy, Network


@dataclass(frozen=True)
class Rate:
    """A learning rate under its convention: what Σ ∇C_x over m examples is multiplied by."""

    scaling: Scaling
    eta: float

    def of(self, m: int) -> float:
        """η, or η / m."""
        return self.scaling.of_update(self.eta, m)


@dataclass(frozen=True)
class Rest:
    """An update's steps that are the same for each mini-batch: few enough to stay in the cache."""

    forward: Program  # from the first layer's activations to the output's
    nabla: Program  # from the output's a − y to ∇_a C of the first layer
    update: Program  # of the weights and biases of later layers


@dataclass(frozen=True)
class BoundUpdate:
    """An update, bound to its inputs: only the targets are still to come."""

    forward: Program
    a: Array  # (k, m)
    error: Array  # (k, m): where a − y is wanted
    backward: Program


def carry_out(updates: Iterable[BoundUpdate], targets: Iterable[Array]) -> None:
    """Make updates one after another, each with the targets, (k, m), of its mini-batch."""
    for update, y in zip(updates, targets, strict=True):
        for step in update.forward:  # in place: a call of `run` counts at m = 1
            step()
        np.subtract(update.a, y, update.error)
        for step in update.backward:
            step()


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
        self._network = network
        self._v, self._to = weights.v, to.v
        self._first_layer = FirstLayer(weights, to)
        self._rooms: dict[int, Room] = {}  # by m: of one program after another
        self._rests: dict[int, tuple[float, Rest]] = {}  # by m, with the rate that is bound
        self._aheads: dict[tuple[int, int], tuple[float, Ahead, list[BoundUpdate]]] = {}
        self._names = network.architecture.names
        # Of cross-entropy the output's slope cancels: δ = a − y.
        self._cancels = isinstance(network.cost_of, CrossEntropy)

    def forward(self, inputs: Inputs) -> tuple[Program, Array, Array]:
        """Give the steps that feed inputs forward, and where they leave the output's z and a."""
        room = self._room(len(inputs.x))
        first = self._first(room, inputs.x, inputs.scale, 0.0)
        begin = activate(self._names[0], first.z, room.a[0], first.sign < 0)
        program = [*first.forward, *begin, *self._rest(room, 0.0).forward]
        return program, [first.z, *room.z[1:]][-1], room.a[-1]

    def updates(self, inputs: Inputs, m: int, rate: Rate) -> list[BoundUpdate]:
        """Give the updates by each mini-batch of inputs."""
        bound = []
        for at in range(0, len(inputs.x), m):
            x = inputs.x[at : at + m]  # (m, columns)
            room, eta = self._room(len(x)), rate.of(len(x))
            first = self._first(room, x, inputs.scale, eta)
            bound.append(self._update(room, first, self._rest_of(room, len(x), eta)))
        return bound

    def _room(self, m: int) -> Room:
        if m not in self._rooms:
            self._rooms[m] = Room(self._network, m)
        return self._rooms[m]

    def _first(self, room: Room, x: Array, scale: float, eta: float) -> First:
        return self._first_layer.of(x, scale, room, eta, self._sign(room, 0))

    def _sign(self, room: Room, l: int) -> int:
        """Say whether a layer holds z (1) or −z (−1), which costs must not see of the output."""
        hidden = l + 1 < len(self._v)
        return -1 if hidden and takes_negative(self._names[l], room.a[l]) else 1

    def look_ahead(self, inputs: Inputs, m: int, rate: Rate) -> list[BoundUpdate]:
        """Give the same updates, with all of their first layer done together: see `Ahead`."""
        x, eta = inputs.x, rate.of(m)
        # One of fewer examples may have another rate; and after a single one there is none.
        if len(x) % m or len(x) == m:
            return self.updates(inputs, m, rate)
        ahead, (first, *others) = self._ahead(len(x), m, eta, inputs.scale)
        begin = ahead.begin(x, self._first_layer, inputs.scale)
        bound = [replace(first, forward=begin + first.forward), *others]
        end = self._first_layer.update(x, ahead.delta, self._first_layer.factor(eta, inputs.scale))
        bound[-1] = replace(bound[-1], backward=bound[-1].backward + end)
        return bound

    def _ahead(self, b: int, m: int, eta: float, scale: float) -> tuple[Ahead, list[BoundUpdate]]:
        """Bind what is the same whatever the inputs: little, so that it stays in the cache."""
        known = self._aheads.get((b, m))
        if known is None or known[0] != eta:
            room = self._room(m)
            ahead = Ahead(b, m, room, -eta / scale**2, self._sign(room, 0))
            rest = self._rest_of(room, m, eta)
            bound = [self._update(room, first, rest) for first in ahead.firsts]
            known = self._aheads[b, m] = eta, ahead, bound
        return known[1:]

    def _update(self, room: Room, first: First, rest: Rest) -> BoundUpdate:
        begin = activate(self._names[0], first.z, room.a[0], first.sign < 0)
        return BoundUpdate(
            [*first.forward, *begin, *rest.forward],
            room.a[-1],
            [first.delta, *room.delta[1:]][-1],
            [*self._backward(room, first, rest), *first.update, *rest.update],
        )

    def _rest_of(self, room: Room, m: int, eta: float) -> Rest:
        """Give the rest of updates by m examples: bound anew where the rate is another."""
        known = self._rests.get(m)
        if known is None or known[0] != eta:
            known = self._rests[m] = eta, self._rest(room, eta)
        return known[1]

    def _rest(self, room: Room, eta: float) -> Rest:
        """Bind what is the same for all mini-batches in a room."""
        forward: Program = []
        nabla: Program = []
        for l in range(1, len(self._v)):
            sign = self._sign(room, l)
            forward.append(gemm(room.z[l], self._v[l], room.with_ones[l - 1], sign))
            forward += activate(self._names[l], room.z[l], room.a[l], sign < 0)
        for l in range(len(self._v) - 1, 0, -1):
            if l + 1 < len(self._v) or not self._cancels:
                nabla += self._back(room, l, room.delta[l], room.delta[l])
            nabla.append(gemm(room.nabla[l - 1], self._v[l].T, room.delta[l]))
        return Rest(
            forward,
            self._slopes(room) + nabla,
            [
                gemm(self._to[l], room.delta[l], room.with_ones[l - 1].T, -eta, 1.0)
                for l in range(1, len(self._v))
            ],
        )

    def _backward(self, room: Room, first: First, rest: Rest) -> Program:
        if len(self._v) == 1 and self._cancels:
            return rest.nabla
        nabla = room.delta[0] if len(self._v) > 1 else first.delta
        return [*rest.nabla, *self._back(room, 0, nabla, first.delta)]

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
