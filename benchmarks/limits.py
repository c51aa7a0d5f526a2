"""An epoch of the compiled engine beside what the core's arithmetic allows.

The core's rate is measured in the same run; the fastest of the ways to reach it counts. A limit is
the time that an epoch's multiply-adds take at that rate, were nothing else to be done: all of them
(dense), or those that no zero pixel takes part in (sparse). What counts are moments in which the
core is not shared: see `undisturbed`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from threadpoolctl import threadpool_limits

from benchmarks import arithmetic, mnist, section, timing, undisturbed
from benchmarks.document import table
from benchmarks.peers import PEERS
from benchmarks.undisturbed import Found
from gdexp.problems import Network

HIDDEN = {"784-30-10": [30], "784-100-10": [100], "784-20-20-10": [20, 20]}
M, ETA = 10, 1.0
ENGINE = "gdexp compiled"
MORE = ("samples", "times, shared or not")


def multiply_adds(sizes: Sequence[int], share: float = 1.0) -> float:
    """Count an example's: forward, the errors of hidden layers, gradients with their update.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, inputs and outputs included.
    share : float
        Of the inputs, those that are not zero.
    """
    weights = [a * b for a, b in pairwise(sizes)]
    return 2 * (share * weights[0] + sum(weights[1:])) + sum(weights[1:])


def main(rounds: int) -> list[str]:
    """Measure rates and epochs; gives a table of each."""
    timing.pin()
    dataset = mnist.load()
    section.step("the core's rate, and epochs")
    networks = {name: mnist.network(dataset, hidden) for name, hidden in HIDDEN.items()}
    programs = arithmetic.programs()
    counts = {name: count for name, (count, _) in programs.items()}
    rate_of = {name: program for name, (_, program) in programs.items()}
    epochs = {name: PEERS[ENGINE](each, M, ETA).epoch for name, each in networks.items()}
    with threadpool_limits(1):
        found = undisturbed.medians({**rate_of, **epochs}, rounds)
    rates = [
        [name, f"{count / found[name].seconds / 1e9:.1f}", found[name].share]
        for name, count in counts.items()
    ]
    rows = [row for name, each in networks.items() for row in _rows(name, each, found, counts)]
    return [
        *table(["float32, one core", "10⁹ multiply-adds a second", "samples"], rates),
        "",
        *table([*("m = 10", "limit", "limit, s", "compiled, s", "times the limit"), *MORE], rows),
    ]


def _rows(
    name: str, network: Network, found: Mapping[str, Found], counts: Mapping[str, float]
) -> Iterator[list[str]]:
    """Give a network's rows: its epoch beside the time of all multiply-adds, and of some."""
    took, share = found[name], network.dataset.train.density
    best = min(found[way].seconds / count for way, count in counts.items())
    best_of_all = min(found[way].of_all / count for way, count in counts.items())
    for kind, part in (("dense", 1.0), (f"sparse, {share:.1%}", share)):
        needed = multiply_adds(network.sizes, part) * network.n
        limit, of_all = needed * best, took.of_all / (needed * best_of_all)
        times = [f"{took.seconds / limit:.2f}", took.share, f"{of_all:.2f}"]
        yield [name, kind, f"{limit:.4f}", f"{took.seconds:.4f}", *times]


if __name__ == "__main__":
    section.run("limits", __doc__, main)
