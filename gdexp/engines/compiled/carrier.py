"""Carries out epochs with the compiled kernels: data and parameters laid out for them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Examples
from gdexp.descent import Optimizer, Problem, Rates, State, Update, Vector
from gdexp.engines.compiled.inputs import CODES, VALUES, form_of, hold
from gdexp.engines.compiled.kept import Kept
from gdexp.engines.compiled.layout import LANES, Layout, aligned
from gdexp.engines.compiled.recipe import KEPT, recipe_of
from gdexp.engines.held import held
from gdexp.errors import GdexpError
from gdexp.measure import Measure
from gdexp.problems import Network

MOMENT = 10**10  # parameters times examples of one compiled call: about half a second
STEP = 25  # examples that take as long as a rule's step, at most
Order = NDArray[np.int64]


class CompiledCarrier:
    """Carries out epochs of one network with the compiled kernels.

    Parameters
    ----------
    problem : Network
    kernels : module
        `gdexp.engines.compiled.epochs`, imported when it was known where its cache is.
    """

    name = "compiled"

    def __init__(self, problem: Network, kernels: Any) -> None:
        self._kernels = kernels
        self._layout = Layout(problem)
        self._net = self._kernels.Net(*self._layout.net)
        train, parts = problem.dataset.train, problem.dataset.parts.items()
        form = form_of(train)
        if form == CODES and any(part.inputs.dtype != np.uint8 for _, part in parts):
            form = VALUES
        for name, part in parts:
            _check_labels(name, part, problem.sizes[-1])
        self.how = f"inputs {form}, density {train.density:.2f}"
        self._inputs = {name: self._held(part, problem.dtype, form) for name, part in parts}
        self._parameters, self._gradient = self._layout.room(), self._layout.room().array
        self._kept = Kept(self._layout)
        nothing = np.zeros(0, np.int64)  # all is compiled before the clock of an epoch starts
        self._epoch(nothing, 1, np.zeros(0), Update(), 1)
        self._measure(self._inputs["train"], nothing)

    def _held(self, examples: Examples, dtype: np.dtype[Any], form: str) -> Any:
        key = ("compiled", form, dtype.str)
        encode = self._kernels.encode
        return self._kernels.Inputs(
            *held(examples, key, lambda: hold(examples, dtype, form, encode))
        )

    def _work(self, chunk: int) -> tuple[NDArray[Any], ...]:
        """Give room for a chunk: activations; weighted inputs, then errors; labels."""
        room, dtype = chunk * self._net.layers * self._net.pitch, self._gradient.dtype
        return aligned(room, dtype), aligned(room, dtype), np.zeros(chunk, np.int64)

    def _epoch(
        self, order: Order, m: int, etas: NDArray[np.float64], update: Update, t: int
    ) -> None:
        """Carry out updates, from number t on."""
        work = *self._work(self._kernels.chunk_of(m, len(order))), aligned(LANES, np.dtype(float))
        inputs, mean = self._inputs["train"], update.scaling.update == "mean"
        recipe = recipe_of(update, inputs.size)
        kept = self._kept.arrays(KEPT[recipe.code])
        self._kernels.epoch(
            *(self._parameters.array, self._gradient, kept, self._net, inputs, order, m, etas),
            *(mean, recipe, t, work),
        )

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, update: Update, rates: Rates, state: State
    ) -> None:
        """Go through the training inputs once, in the order that `Stepwise` would take."""
        m = optimizer.batch_size(problem.n)
        order = optimizer.order(problem.n, state.rng).astype(np.int64, copy=False)
        etas = np.full(-(-len(order) // m), rates)
        self._parameters.pack(state.v)
        self._kept.pack(state.memory)
        for some in self._in_moments(len(order), m, 0 if update.bare else STEP):
            done = some.start // m
            self._epoch(order[some], m, etas[done:], update, state.updates + done + 1)
        self._parameters.unpack(state.v)
        self._kept.unpack(state.memory)
        state.updates += len(etas)
        state.examples += len(order)

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""
        self._parameters.pack(v)
        return {
            name: self._measure(inputs, np.arange(inputs.size))
            for name, inputs in self._inputs.items()
        }

    def _measure(self, inputs: Any, order: Order) -> Measure:
        work, cost, correct = self._work(self._kernels.CHUNK), 0.0, 0
        for some in self._in_moments(len(order), self._kernels.CHUNK):
            more = self._kernels.measure(
                self._parameters.array, self._net, inputs, order[some], work
            )
            cost, correct = cost + float(more[0]), correct + int(more[1])
        return Measure(cost, len(order), correct)

    def _in_moments(self, n: int, m: int, step: int = 0) -> Iterator[slice]:
        """Cut an order between updates: Python sees to Ctrl-C between two compiled calls."""
        some = max(MOMENT // self._layout.problem.size // (m + step), 1) * m
        for first in range(0, max(n, 1), some):
            yield slice(first, first + some)


def _check_labels(name: str, examples: Examples, classes: int) -> None:
    """Refuse labels that the kernels would take for places beyond the outputs."""
    labels = examples.labels
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise GdexpError(
            f"data: labels must be whole numbers from 0 to {classes - 1}. Got "
            f"{int(labels.min())} to {int(labels.max())} in the {name} examples."
        )
