"""The compiled engine: data and parameters laid out for the kernels, which Numba compiles."""

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data.cache import cache_folder
from gdexp.descent import Optimizer, Problem, Scaling, State, Vector
from gdexp.engines.engine import Engine, Prepared
from gdexp.engines.inputs import density, form_of, hold
from gdexp.engines.layout import Layout, aligned
from gdexp.errors import GdexpError
from gdexp.measure import Measure
from gdexp.problems import Network

SOURCES = (
    *("layout.py", "inputs.py", "simd.py", "elementary.py"),
    *("kernels.py", "dense.py", "first_layer.py", "epochs.py"),
)
INSTALL = "pip install 'gdexp[compiled]'"


@dataclass(frozen=True)
class Compiled(Engine):
    """A whole epoch in one compiled function: explicit vectors, inputs that are zero skipped.

    Its results are the same bits on every x86 processor, whatever its vectors' width.
    """

    def prepare(self, problem: Network) -> Prepared:
        """Lay out the data, and compile what no run before has compiled."""
        if not installed():
            raise GdexpError(f"engine=compiled needs Numba. {INSTALL}, or write engine=reference.")
        return CompiledCarrier(problem)


def installed() -> bool:
    """Whether Numba is there."""
    return importlib.util.find_spec("numba") is not None


def compiled_cache() -> Path:
    """Give the folder of compiled code: one for each state of the sources, so never a stale one."""
    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in SOURCES)
    return cache_folder() / "compiled" / hashlib.sha256(sources).hexdigest()[:16]


def load_kernels() -> Any:
    """Import the kernels, with Numba's cache in a folder that can be written."""
    import numba

    if "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = str(compiled_cache())  # type: ignore[attr-defined]
    from gdexp.engines import epochs

    return epochs


class CompiledCarrier:
    """Carries out epochs of one network with the compiled kernels.

    Parameters
    ----------
    problem : Network
    """

    name = "compiled"

    def __init__(self, problem: Network) -> None:
        self._kernels = load_kernels()
        self._layout = Layout(problem)
        self._net = self._kernels.Net(*self._layout.net)
        self.form = form_of(problem.dataset.train)
        share = density(problem.dataset.train)
        self.why = f"asked for; inputs {self.form}, density {share:.2f}"
        parts = problem.dataset.parts.items()
        self._inputs = {
            name: self._kernels.Inputs(*hold(part, problem.dtype, self.form))
            for name, part in parts
        }
        self._gradient = np.zeros_like(self._layout.parameters)
        nothing = np.zeros(0, np.int64)
        self._epoch(nothing, 1, 0.0, True)  # compiled before the clock of the first epoch starts

    def _work(self, chunk: int) -> tuple[NDArray[Any], ...]:
        """Give room for a chunk: activations, errors, labels."""
        room = chunk * (self._net.layers + 1) * self._net.pitch
        dtype = self._layout.parameters.dtype
        return aligned(room, dtype), aligned(room, dtype), np.zeros(chunk, np.int64)

    def _epoch(self, order: NDArray[np.int64], m: int, eta: float, mean: bool) -> None:
        work = self._work(self._kernels.chunk_of(m, len(order)))
        inputs, parameters = self._inputs["train"], self._layout.parameters
        self._kernels.epoch(
            parameters, self._gradient, self._net, inputs, order, m, eta, mean, work
        )

    def train_epoch(
        self, problem: Problem, optimizer: Optimizer, scaling: Scaling, eta: float, state: State
    ) -> None:
        """Go through the training inputs once, in the order that `Plain` would take."""
        m = optimizer.batch_size(problem.n)
        order = optimizer.order(problem.n, state.rng).astype(np.int64, copy=False)
        self._layout.pack(state.v)
        self._epoch(order, m, eta, scaling.update == "mean")
        self._layout.unpack(state.v)
        state.updates += -(-problem.n // m)
        state.examples += problem.n

    def measure(self, problem: Problem, v: Vector) -> Mapping[str, Measure]:
        """Measure v on each set of examples."""
        self._layout.pack(v)
        measured = {}
        for name, inputs in self._inputs.items():
            work, order = self._work(self._kernels.CHUNK), np.arange(inputs.size)
            cost, correct = self._kernels.measure(
                self._layout.parameters, self._net, inputs, order, work
            )
            measured[name] = Measure(float(cost), inputs.size, int(correct))
        return measured
