"""Carries out epochs with programs: lists of calls whose buffers were made ready beforehand."""

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import scipy

from gdexp.descent import FullGradient, Optimizer, Problem, Rates, Scaling, State, Update, Vector
from gdexp.engines.blas.gemm import Array, Program, run
from gdexp.engines.blas.load import Desk, Load, columns_for
from gdexp.engines.blas.passes import Passes, Rate
from gdexp.engines.blas.ranked import Ranked, Rows, most_used_first, ranked
from gdexp.engines.blas.rooms import Weights
from gdexp.measure import Measure
from gdexp.problems import Network

Make = Callable[[Load, Rate], Program]
Looking = tuple[Load, Program, Array, Array]  # and where the output's z and a are, (k, m)

CHUNK = 252  # examples that stay in the cache together; seven `pieces` of MNIST's at 30 units
LOAD = 200  # examples, about, that are gathered at once for small mini-batches
AHEAD = 32  # examples that are looked ahead at m = 1: more cost more products of pairs


class BlasCarrier:
    """Carries out epochs of one network with NumPy's BLAS and SciPy's.

    Parameters
    ----------
    problem : Network
    """

    name = "blas"
    how = f"the BLAS of SciPy {scipy.__version__} and of NumPy {np.__version__}"

    def __init__(self, problem: Network) -> None:
        self._network = problem
        features = most_used_first(problem.dataset.train)
        self._sets = {name: ranked(part, features) for name, part in problem.dataset.parts.items()}
        self._desk = Desk(problem, CHUNK)
        self._weights, self._sum = Weights(problem, features), Weights(problem, features)
        self._passes = Passes(problem, self._weights, to=self._weights)
        self._summing = Passes(problem, self._weights, to=self._sum)
        self._rate: Rate | None = None
        self._programs: dict[Hashable, tuple[Load, Program]] = {}
        self._measuring: dict[Hashable, Looking] = {}

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, in the order that `Stepwise` would take."""
        assert isinstance(rates, float), "the engine refuses rates by update"
        m, rate = optimizer.batch_size(problem.n), Rate(update.scaling, rates)
        order = optimizer.order(problem.n, state.rng)
        # All examples are summed up in the order in which they lie: nothing is gathered.
        whole = isinstance(optimizer, FullGradient)
        rows = range(m) if whole else self._sets["train"].rows(order)
        self._weights.pack(state.v)
        self._epoch(rows, m, rate)
        self._weights.unpack(state.v)
        state.updates += -(-len(order) // m)
        state.examples += len(order)

    def _epoch(self, rows: Rows, m: int, rate: Rate) -> None:
        if m == 1:
            self._train(rows, AHEAD, m, self._passes.look_ahead, rate)
        elif m <= CHUNK:
            self._train(rows, max(1, LOAD // m) * m, m, self._passes.updates, rate)
        else:
            for at in range(0, len(rows), m):
                self._update(rows[at : at + m], rate)

    def _train(self, rows: Rows, size: int, m: int, make: Make, rate: Rate) -> None:
        """Go through the examples, a load of `size` at a time, with the program of a load."""
        for at in range(0, len(rows), size):
            some = rows[at : at + size]
            columns = self._columns(self._sets["train"], some)
            load, program = self._program(len(some), m, columns, make, rate)
            load.take(some)
            run(program)

    def _columns(self, examples: Ranked, rows: Rows) -> int:
        return columns_for(examples.reach_of(rows), self._network.dataset.n_in)

    def _program(
        self, size: int, m: int, columns: int, make: Make, rate: Rate
    ) -> tuple[Load, Program]:
        if rate != self._rate:  # bound into the programs: a schedule would pile them up
            self._programs.clear()
            self._rate = rate
        key = (size, m, columns, make)
        if key not in self._programs:
            load = Load(self._desk, self._sets["train"], size, m, columns)
            self._programs[key] = load, make(load, rate)
        return self._programs[key]

    def _update(self, batch: Rows, rate: Rate) -> None:
        """Sum up an update by more examples than a load has: meanwhile the parameters stay."""
        each = Rate(Scaling(update="sum"), rate.of(len(batch)))
        for total in self._sum.v:
            total.fill(0)
        rows = batch if isinstance(batch, range) else np.sort(batch)  # by reach, then
        self._train(rows, CHUNK, CHUNK, self._summing.updates, each)
        for v, total in zip(self._weights.v, self._sum.v, strict=True):
            v += total

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""
        self._weights.pack(v)
        return {name: self._measure(examples) for name, examples in self._sets.items()}

    def _measure(self, examples: Ranked) -> Measure:
        cost, correct, n = 0.0, 0, len(examples)
        for at in range(0, n, CHUNK):
            rows = range(at, min(at + CHUNK, n))
            load, program, z, a = self._looking(examples, rows)
            load.take(rows)
            run(program)
            each = self._network.cost_of.of(
                self._network.architecture.output_activation, z.T, a.T, load.y[0].T
            )  # (m,)
            cost += float(each.sum(dtype=np.float64))
            labels = examples.labels[rows.start : rows.stop]
            correct += int(np.count_nonzero(a.argmax(axis=0) == labels))
        return Measure(cost, n, correct)

    def _looking(self, examples: Ranked, rows: range) -> Looking:
        size, columns = len(rows), self._columns(examples, rows)
        key = (id(examples), size, columns)
        if key not in self._measuring:
            load = Load(self._desk, examples, size, size, columns)
            self._measuring[key] = load, *self._passes.forward(load)
        return self._measuring[key]
