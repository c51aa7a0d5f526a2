"""The automatic choice: the engine that would be through first, its start included.

What an engine takes is estimated from the data's density, the network's sizes, m and the number of
epochs, and never measured at the start of a run: a choice that depended on how busy the machine is
would make results depend on it, too. Of the processor, only the width of its vectors counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gdexp.descent import Problem
from gdexp.engines.blas import Blas
from gdexp.engines.compiled import Compiled
from gdexp.engines.compiled.engine import COMPILING, installed, is_compiled
from gdexp.engines.compiled.inputs import ROWS, form_of
from gdexp.engines.compiled.layout import padded
from gdexp.engines.compiled.recipe import CODES, CORRECTED, ROOTED
from gdexp.engines.engine import Choice, Engine, Prepared, Work
from gdexp.engines.processor import has_wide_vectors
from gdexp.engines.reference import Reference
from gdexp.problems import Network

Nanoseconds = Mapping[str, Sequence[float]]  # by precision

# Fitted to what `python -m benchmarks.choice` measures, on processors with vectors of 512 bits, and
# on others. Of the compiled engine: for a weight of the first layer and an input that is not zero,
# for one where inputs are dense, the same where four examples at a time share it, and for a weight
# of a later layer. Of the BLAS engine: for a layer's calls in an update, for an input, and for a
# weight at m = 1, up to 16, and above; zeros that it leaves out are not weighed, since the compiled
# engine does better with them. Of the reference: for a layer's calls, an input, a weight.
WIDE: Mapping[str, Nanoseconds] = {
    "compiled": {
        "float32": (0.0845, 0.138, 0.0537, 0.0864),
        "float64": (0.198, 0.297, 0.0945, 0.187),
    },
    "blas": {
        "float32": (2750, 0.624, 0.0556, 0.0679, 0.0361),
        "float64": (2460, 0.835, 0.121, 0.118, 0.0816),
    },
    "reference": {"float32": (12500, 0.3, 0.058), "float64": (12500, 0.5, 0.12)},
}
NARROW: Mapping[str, Nanoseconds] = {
    "compiled": {
        "float32": (0.149, 0.158, 0.111, 0.124),
        "float64": (0.323, 0.28, 0.188, 0.46),
    },
    "blas": {
        "float32": (3670, 1.59, 0.156, 0.105, 0.0625),
        "float64": (4120, 1.4, 0.171, 0.218, 0.144),
    },
    "reference": {"float32": (27500, 0.5, 0.1), "float64": (29000, 0.8, 0.16)},
}
# Nanoseconds that an update takes for a parameter, where it is more than a plain step straight into
# the parameters: without roots, with one, and with the corrections of Adam. BLAS does none of them.
STEPS = {
    "compiled": {"float32": (0.31, 0.50, 0.54), "float64": (0.62, 1.9, 2.0)},
    "reference": {"float32": (1.2, 2.5, 4.5), "float64": (1.3, 4.6, 8.0)},
}
GUESS = 30  # epochs, where only a stop ends the descent
IMPORTING = {"reference": 0.0, "blas": 0.15, "compiled": 0.5}  # seconds: SciPy; Numba, its kernels


@dataclass(frozen=True)
class Auto(Engine):
    """Takes the compiled engine, the BLAS one or the reference, whichever is through first."""

    def choose(self, problem: Problem, work: Work) -> Choice:
        """Weigh the engines, a compilation that is still to be done included."""
        reference = Reference(self.precision, self.threads)
        if not isinstance(problem, Network):
            return Choice(reference, "auto: only the reference carries out what is not a network")
        if why := Compiled(self.precision).refusal(problem, work):
            return Choice(reference, f"auto: compiled {why}")
        return self._weigh(problem, work)

    def _weigh(self, problem: Network, work: Work) -> Choice:
        epochs = GUESS if work.epochs is None else work.epochs
        settings = self.precision, self.threads
        engines: dict[str, Engine] = {"reference": Reference(*settings)}
        if not (blas := Blas(*settings)).refusal(problem, work):
            engines["blas"] = blas
        if installed():
            engines["compiled"] = Compiled(*settings)
        seconds = {
            name: IMPORTING[name]
            + epochs * (epoch_of(name, problem, work.m) + steps_of(name, problem, work))
            for name in engines
        }
        told = ""
        if not installed():
            told = "; compiled needs Numba, which is not installed"
        elif not is_compiled(form_of(problem.dataset.train), self.precision):
            seconds["compiled"] += COMPILING
            told = ", compiled first"
        taken = min(seconds, key=seconds.__getitem__)
        each = ", ".join(f"{name} {seconds[name]:.2g} s" for name in reversed(seconds))
        return Choice(engines[taken], f"auto: estimated, start included: {each}{told}")

    def prepare(self, problem: Network) -> Prepared:
        """Make the engine ready that would be taken for thirty epochs of small mini-batches."""
        return self.choose(problem, Work(m=10, epochs=GUESS)).engine.prepare(problem)


def epoch_of(name: str, problem: Network, m: int) -> float:
    """Estimate the seconds of an epoch with an engine."""
    fitted = WIDE if has_wide_vectors() else NARROW
    counts = zip(fitted[name][problem.dtype.name], WORK[name](problem, m), strict=True)
    return 1e-9 * sum(each * count for each, count in counts)


def steps_of(name: str, problem: Network, work: Work) -> float:
    """Estimate the seconds that penalties, clipping and the rule add to an epoch."""
    if work.update.bare:
        return 0.0
    code, updates = CODES[type(work.update.rule)], -(-problem.n // work.m)
    kind = {ROOTED: 1, CORRECTED: 2}.get(code, 0)
    return 1e-9 * STEPS[name][problem.dtype.name][kind] * updates * problem.size


def work_compiled(problem: Network, m: int) -> Sequence[float]:
    """Count how often an epoch does what each number of the compiled engine is the time of."""
    train, width = problem.dataset.train, [padded(k) for k in problem.sizes[1:]]
    dense = form_of(train) == ROWS
    first = problem.n * problem.sizes[0] * width[0]
    later = problem.n * sum(a * b for a, b in pairwise(width))
    few = dense and m < 4  # examples, that is: too few to share a row of weights
    return (not dense) * first * train.density, few * first, (dense and not few) * first, later


def work_blas(problem: Network, m: int) -> Sequence[float]:
    """Count how often an epoch does what each number of the BLAS engine is the time of."""
    calls, inputs, weights = work_reference(problem, m)
    kind = 0 if m == 1 else 1 if m <= 16 else 2
    return calls, inputs, *(weights * (kind == k) for k in range(3))


def work_reference(problem: Network, m: int) -> Sequence[float]:
    """Count how often an epoch does what each number of the reference is the time of."""
    calls = (len(problem.sizes) - 1) * -(-problem.n // m)
    return calls, problem.n * problem.sizes[0], problem.n * problem.size


WORK: Mapping[str, Callable[[Network, int], Sequence[float]]] = {
    "reference": work_reference,
    "blas": work_blas,
    "compiled": work_compiled,
}
