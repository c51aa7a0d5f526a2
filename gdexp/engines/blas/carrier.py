"""Carries out epochs with programs: lists of calls whose buffers were made ready beforehand."""

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import scipy

from gdexp.descent import FullGradient, Optimizer, Problem, Rates, Scaling, State, Update, Vector
from gdexp.engines.blas.ahead import together
from gdexp.engines.blas.gemm import Array, Program, run
from gdexp.engines.blas.load import Desk, Inputs, Load
from gdexp.engines.blas.passes import BoundUpdate, Passes, Rate, carry_out
from gdexp.engines.blas.ranked import Ranked, Rows, most_used_first, ranked
from gdexp.engines.blas.rooms import Weights
from gdexp.measure import Measure
from gdexp.problems import Network

Make = Callable[[Inputs, int, Rate], list[BoundUpdate]]
Programs = dict[tuple[int, int], tuple[Inputs, list[BoundUpdate]]]  # by examples and columns
Looking = tuple[Inputs, Program, Array, Array]  # and where the output's z and a are, (k, m)

CHUNK = 252  # examples that stay in the cache together; seven `pieces` of MNIST's at 30 units
LOAD = 200  # examples, about, that are gathered at once for small mini-batches
WORTH = 300_000  # multiplications of the first layer, for which a width of their own is worth it


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
        self._train_set = self._sets["train"]
        self._desk = Desk(problem, CHUNK)
        self._weights, self._sum = (
            Weights(problem, features, self._train_set.scale) for _ in range(2)
        )
        self._passes = Passes(problem, self._weights, to=self._weights)
        self._summing = Passes(problem, self._weights, to=self._sum)
        self._rate: Rate | None = None
        self._loads: dict[Hashable, Load] = {}
        self._programs: dict[Hashable, Programs] = {}
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
        rows = range(m) if whole else self._train_set.rows(order)
        self._weights.pack(state.v)
        self._epoch(rows, m, rate)
        self._weights.unpack(state.v)
        state.updates += -(-len(order) // m)
        state.examples += len(order)

    def _epoch(self, rows: Rows, m: int, rate: Rate) -> None:
        if m > CHUNK:
            for at in range(0, len(rows), m):
                self._update(rows[at : at + m], rate)
            return
        ahead = together(m, self._network.sizes[1]) * m
        part, make = self._part(m), self._passes.updates
        if ahead > m:
            part, make = ahead, self._passes.look_ahead
        self._train(rows, max(1, LOAD // part) * part, part, m, make, rate)

    def _part(self, m: int) -> int:
        """Say how many examples of a load have a number of columns of their own.

        The fewer, the less far they reach; but each beginning costs some 2 µs.
        """
        largest = max(1, LOAD // m)
        if self._train_set.place is None:  # all reach as far
            return largest * m
        n_in, n, *_ = self._network.sizes
        return min(-(-WORTH // (n_in * n * m)), largest) * m

    def _train(self, rows: Rows, size: int, part: int, m: int, make: Make, rate: Rate) -> None:
        """Go through the examples, a load of `size` at a time, and a part of it after another."""
        programs = self._programs_of(m, make, rate)
        for at in range(0, len(rows), size):
            some = rows[at : at + size]
            for raw, targets, columns in self._load(self._train_set, len(some), m, part).take(some):
                key = len(raw), columns
                if key not in programs:
                    inputs = Inputs(self._desk, *key, self._train_set.scale)
                    programs[key] = inputs, make(inputs, m, rate)
                inputs, updates = programs[key]
                inputs.fill(raw)
                carry_out(updates, targets)

    def _load(self, examples: Ranked, size: int, m: int, part: int) -> Load:
        key = (id(examples), size, m, part)
        if key not in self._loads:
            self._loads[key] = Load(self._desk, examples, size, m, part)
        return self._loads[key]

    def _programs_of(self, m: int, make: Make, rate: Rate) -> Programs:
        if rate != self._rate:  # bound into the programs: a schedule would pile them up
            self._programs.clear()
            self._rate = rate
        return self._programs.setdefault((m, make), {})

    def _update(self, batch: Rows, rate: Rate) -> None:
        """Sum up an update by more examples than a load has: meanwhile the parameters stay."""
        each = Rate(Scaling(update="sum"), rate.of(len(batch)))
        for total in self._sum.v:
            total.fill(0)
        rows = batch if isinstance(batch, range) else np.sort(batch)  # by reach, then
        self._train(rows, CHUNK, CHUNK, CHUNK, self._summing.updates, each)
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
            load = self._load(examples, len(rows), len(rows), len(rows))
            ((raw, (y,), columns),) = load.take(rows)
            inputs, program, z, a = self._looking(examples, len(rows), columns)
            inputs.fill(raw)
            run(program)
            each = self._network.cost_of.of(
                self._network.architecture.output_activation, z.T, a.T, y.T
            )  # (m,)
            cost += float(each.sum(dtype=np.float64))
            labels = examples.labels[rows.start : rows.stop]
            correct += int(np.count_nonzero(a.argmax(axis=0) == labels))
        return Measure(cost, n, correct)

    def _looking(self, examples: Ranked, size: int, columns: int) -> Looking:
        key = (id(examples), size, columns)
        if key not in self._measuring:
            inputs = Inputs(self._desk, size, columns, examples.scale)
            self._measuring[key] = inputs, *self._passes.forward(inputs)
        return self._measuring[key]
