"""Which engine engine=auto takes, and how much longer an epoch lasts than with the better one.

10,000 examples of MNIST, and as many without a pixel that is zero; one core. What the estimates of
gdexp/engines/auto.py would be, were they fitted to this run, is told before the table: of the BLAS
engine to inputs without zeros, since it is not weighed that it leaves out some.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing
from benchmarks.document import table
from benchmarks.peers import ours
from gdexp.data import Dataset, Examples
from gdexp.engines import Blas, Compiled, auto
from gdexp.engines.compiled.inputs import ROWS, form_of
from gdexp.engines.processor import has_wide_vectors
from gdexp.problems import Network

HIDDEN: tuple[list[int], ...] = ([], [30], [100], [300], [20, 20], [300, 300])
N, ETA, ROUNDS = 10_000, 0.05, 1
BATCHES = (1, 10, 100, N)
PRECISIONS = ("float32", "float64")
Work = Callable[[Network, int], Sequence[float]]


@dataclass(frozen=True)
class Cell:
    """An epoch of one network, with mini-batches of m, as measured by both engines."""

    network: Network
    m: int
    compiled: float
    blas: float

    @property
    def taken(self) -> str:
        """The engine that the estimates are in favour of, by its first letter."""
        compiled, blas = (
            auto.epoch_of(name, self.network, self.m) for name in ("compiled", "blas")
        )
        return "c" if compiled <= blas else "b"

    @property
    def loss(self) -> float:
        """How many times as long as the better engine the one that is taken needs."""
        seconds = self.compiled if self.taken == "c" else self.blas
        return seconds / min(self.compiled, self.blas)


def datasets() -> Iterator[Dataset]:
    """Give sparse and dense images."""
    sparse = mnist.first(mnist.load(), N)
    yield sparse
    raw = np.random.default_rng(0).integers(1, 256, sparse.train.inputs.shape, np.uint8)
    yield replace(sparse, train=Examples(raw, sparse.train.labels, sparse.train.scale))


def measured(dataset: Dataset, precision: str) -> Iterator[Cell]:
    """Time both engines on every network and m."""
    engines = {"compiled": Compiled(precision), "blas": Blas(precision)}
    for hidden in HIDDEN:
        network = mnist.network(dataset, hidden, precision)
        section.step(f"{precision}, density {dataset.train.density:.2f}, hidden {hidden}")
        for m in BATCHES:
            epochs = {name: ours(each)(network, m, ETA).epoch for name, each in engines.items()}
            yield Cell(network, m, **timing.medians(epochs, ROUNDS))


def fitted(cells: Sequence[Cell], seconds: Sequence[float], work: Work) -> list[float]:
    """Fit nanoseconds to what was measured, none below 0, such that relative errors are small."""
    counts = np.array([work(cell.network, cell.m) for cell in cells], float)
    found, _ = nnls(1e-9 * counts / np.array(seconds)[:, None], np.ones(len(cells)))
    return [float(f"{each:.3g}") for each in found]


def lines(cells: Sequence[Cell]) -> list[str]:
    """Write a row for each network, a column for each m, and how the choice did in all."""
    rows = []
    for first in range(0, len(cells), len(BATCHES)):
        some = cells[first : first + len(BATCHES)]
        sizes = "-".join(map(str, some[0].network.sizes))
        density = f"{some[0].network.dataset.train.density:.2f}"
        rows.append([sizes, density, *(f"{each.taken} {each.loss:.2f}" for each in some)])
    losses = [cell.loss for cell in cells]
    told = (
        f"The better engine in {losses.count(1.0)} of {len(cells)}; an epoch lasts "
        f"{np.mean(losses):.2f} times as long as by the better one on average, "
        f"{max(losses):.2f} times at worst."
    )
    batches = [f"m = {m:,}" for m in BATCHES]
    return [*table(["network", "density", *batches], rows), "", told]


def main(rounds: int) -> list[str]:
    """Measure both precisions, print what would fit; gives the table for float32."""
    timing.pin()
    found: dict[str, list[Cell]] = {}
    with threadpool_limits(1):
        for precision in PRECISIONS:
            found[precision] = [cell for each in datasets() for cell in measured(each, precision)]
    for precision, cells in found.items():
        compiled = fitted(cells, [cell.compiled for cell in cells], auto.work_compiled)
        dense = [cell for cell in cells if form_of(cell.network.dataset.train) == ROWS]
        blas = fitted(dense, [cell.blas for cell in dense], auto.work_blas)
        kind = "WIDE" if has_wide_vectors() else "NARROW"
        print(f"{precision}, {kind} would fit: compiled {compiled}, blas {blas}")
    return lines(found["float32"])


if __name__ == "__main__":
    section.run("choice", __doc__, main)
