"""Carries out epochs with programs: lists of calls whose buffers were made ready beforehand."""

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import scipy

from gdexp.data import Examples
from gdexp.descent import FullGradient, Optimizer, Problem, Rates, Scaling, State, Update, Vector
from gdexp.engines.blas.gemm import Array, Program, run
from gdexp.engines.blas.passes import Passes, Rate
from gdexp.engines.blas.rooms import Indices, Load, Weights
from gdexp.measure import Measure
from gdexp.problems import Network

Make = Callable[[Load, Rate], Program]
Looking = tuple[Load, Program, Array, Array]  # and where the output's z and a are, (k, m)

CHUNK = 252  # examples that stay in the cache together; seven `pieces` of MNIST's at 30 units
NARROW_UP_TO = 16  # largest mini-batch whose first layer goes by columns
LOAD = 200  # examples, about, that are gathered at once for small mini-batches
AHEAD = 24  # examples that are looked ahead at m = 1: more cost more products of pairs


class BlasCarrier:
    """Carries out epochs of one network with SciPy's BLAS.

    Parameters
    ----------
    problem : Network
    """

    name = "blas"
    how = f"the BLAS of SciPy {scipy.__version__}"

    def __init__(self, problem: Network) -> None:
        self._network = problem
        self._narrow, self._wide, self._sum = (
            Weights(problem, wide) for wide in (False, True, True)
        )
        self._by_few = Passes(problem, self._narrow, to=self._narrow)
        self._by_many = Passes(problem, self._wide, to=self._wide)
        self._summing = Passes(problem, self._wide, to=self._sum)
        self._rate: Rate | None = None
        self._programs: dict[Hashable, tuple[Load, Program]] = {}
        self._measuring: dict[Hashable, Looking] = {}

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, in the order that `Stepwise` would take."""
        assert isinstance(rates, float), "the engine refuses rates by update"
        m, rate = optimizer.batch_size(problem.n), Rate(update.scaling, rates)
        order: Indices = optimizer.order(problem.n, state.rng)
        if isinstance(optimizer, FullGradient):  # in the data's order nothing is gathered
            order = range(m)
        weights = self._narrow if 1 < m <= NARROW_UP_TO else self._wide
        weights.pack(state.v)
        self._epoch(order, m, rate)
        weights.unpack(state.v)
        state.updates += -(-len(order) // m)
        state.examples += len(order)

    def _epoch(self, order: Indices, m: int, rate: Rate) -> None:
        if m == 1:
            self._train(order, AHEAD, m, self._by_many.look_ahead, rate)
        elif m <= CHUNK:
            passes = self._by_few if m <= NARROW_UP_TO else self._by_many
            self._train(order, max(1, LOAD // m) * m, m, passes.updates, rate)
        else:
            for at in range(0, len(order), m):
                self._update(order[at : at + m], rate)

    def _train(self, order: Indices, size: int, m: int, make: Make, rate: Rate) -> None:
        """Go through the examples, a load of `size` at a time, with the program of a load."""
        for at in range(0, len(order), size):
            indices = order[at : at + size]
            load, program = self._program(len(indices), m, make, rate)
            load.gather(indices)
            run(program)

    def _program(self, size: int, m: int, make: Make, rate: Rate) -> tuple[Load, Program]:
        if rate != self._rate:  # bound into the programs: a schedule would pile them up
            self._programs.clear()
            self._rate = rate
        key = (size, m, make)
        if key not in self._programs:
            load = Load(self._network, self._network.dataset.train, size, m)
            self._programs[key] = load, make(load, rate)
        return self._programs[key]

    def _update(self, batch: Indices, rate: Rate) -> None:
        """Sum up an update by more examples than a load has: meanwhile the parameters stay."""
        each = Rate(Scaling(update="sum"), rate.of(len(batch)))
        for total in self._sum.v:
            total.fill(0)
        self._train(batch, CHUNK, CHUNK, self._summing.updates, each)
        for v, total in zip(self._wide.v, self._sum.v, strict=True):
            v += total

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""
        self._wide.pack(v)
        parts = self._network.dataset.parts.items()
        return {name: self._measure(examples) for name, examples in parts}

    def _measure(self, examples: Examples) -> Measure:
        cost, correct, n = 0.0, 0, len(examples)
        for at in range(0, n, CHUNK):
            block = slice(at, min(at + CHUNK, n))
            load, program, z, a = self._looking(examples, block.stop - at)
            load.look_at(block)
            run(program)
            each = self._network.cost_of.of(
                self._network.architecture.output_activation, z.T, a.T, load.y[0].T
            )  # (m,)
            cost += float(each.sum(dtype=np.float64))
            correct += int(np.count_nonzero(a.argmax(axis=0) == examples.labels[block]))
        return Measure(cost, n, correct)

    def _looking(self, examples: Examples, size: int) -> Looking:
        key = (examples, size)
        if key not in self._measuring:
            load = Load(self._network, examples, size, size)
            self._measuring[key] = load, *self._by_many.forward(load)
        return self._measuring[key]
