"""The automatic choice: the engine that measured fastest for such data, networks and mini-batches.

What an engine takes is estimated from sizes alone, never measured at the start of a run: a choice
that depended on how busy the machine is would make results depend on it, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gdexp.engines.blas import Blas
from gdexp.engines.compiled import Compiled
from gdexp.engines.compiled.engine import COMPILING, installed, is_compiled
from gdexp.engines.compiled.inputs import ROWS, form_of
from gdexp.engines.compiled.layout import padded
from gdexp.engines.engine import Choice, Engine, Prepared
from gdexp.problems import Network

# Nanoseconds, fitted to what `python -m benchmarks.choice` measured. Of the compiled engine: for a
# weight of the first layer and an input that is not zero, for one where inputs are dense, the same
# where four examples at a time share it, and for a weight of a later layer.
COMPILED = {"float32": (0.153, 0.154, 0.071, 0.204), "float64": (0.265, 0.327, 0.123, 0.381)}
# Of the BLAS engine: for a layer's calls in an update, for an input, and for a weight at m = 1, up
# to 16, and above.
BLAS = {"float32": (2350, 0.61, 0.094, 0.076, 0.048), "float64": (2140, 1.03, 0.124, 0.136, 0.087)}
MOMENT = 1.0  # seconds that do not count: the compiled engine's bits are the same on every machine


@dataclass(frozen=True)
class Auto(Engine):
    """Takes the compiled engine or the BLAS one, whichever is faster for the work ahead."""

    def choose(self, problem: Network, m: int, epochs: int) -> Choice:
        """Weigh the two engines, a compilation that is still to be done included."""
        blas, compiled = Blas(self.precision, self.threads), Compiled(self.precision, self.threads)
        if not installed():
            return Choice(blas, "auto: Numba, for the compiled engine, is not installed")
        ours, theirs = seconds_compiled(problem, m), seconds_blas(problem, m)
        told = f"about {ours:.2g} s an epoch compiled, {theirs:.2g} s with blas"
        cold = not is_compiled(form_of(problem.dataset.train), self.precision)
        if epochs * ours + COMPILING * cold <= epochs * theirs + MOMENT:
            return Choice(compiled, f"auto: {told}")
        if cold and ours < theirs:
            told += f"; compiling first, for {COMPILING:.0f} s, would not pay off"
        return Choice(blas, f"auto: {told}")

    def prepare(self, problem: Network) -> Prepared:
        """Make the engine ready that would be taken for an epoch of small mini-batches."""
        return self.choose(problem, m=10, epochs=1).engine.prepare(problem)


def seconds_compiled(problem: Network, m: int) -> float:
    """Estimate the seconds of an epoch with the compiled engine."""
    return _seconds(COMPILED[problem.dtype.name], work_compiled(problem, m))


def seconds_blas(problem: Network, m: int) -> float:
    """Estimate the seconds of an epoch with the BLAS engine."""
    return _seconds(BLAS[problem.dtype.name], work_blas(problem, m))


def _seconds(nanoseconds: Sequence[float], counts: Sequence[float]) -> float:
    return 1e-9 * sum(each * count for each, count in zip(nanoseconds, counts, strict=True))


def work_compiled(problem: Network, m: int) -> tuple[float, float, float, float]:
    """Count how often an epoch does what each number of COMPILED is the time of."""
    train, width = problem.dataset.train, [padded(k) for k in problem.sizes[1:]]
    dense = form_of(train) == ROWS
    first = problem.n * problem.sizes[0] * width[0]
    later = problem.n * sum(a * b for a, b in pairwise(width))
    few = dense and m < 4  # examples, that is: too few to share a row of weights
    return (not dense) * first * train.density, few * first, (dense and not few) * first, later


def work_blas(problem: Network, m: int) -> tuple[float, float, float, float, float]:
    """Count how often an epoch does what each number of BLAS is the time of."""
    calls = (len(problem.sizes) - 1) * -(-problem.n // m)
    weights, kind = problem.n * problem.size, 0 if m == 1 else 1 if m <= 16 else 2
    single, few, many = (weights * (kind == k) for k in range(3))
    return calls, problem.n * problem.sizes[0], single, few, many
