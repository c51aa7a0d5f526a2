"""An epoch of the compiled engine beside what the core's arithmetic allows.

The core's rate is measured in the same run; the fastest of the ways to reach it counts. A limit is
the time that an epoch's multiply-adds take at that rate, were nothing else to be done: all of them
(dense), or those that no zero pixel takes part in (sparse).
"""

from collections.abc import Sequence
from itertools import pairwise

from threadpoolctl import threadpool_limits

from benchmarks import arithmetic, mnist, section, timing
from benchmarks.document import table
from benchmarks.peers import PEERS

HIDDEN = {"784-30-10": [30], "784-100-10": [100], "784-20-20-10": [20, 20]}
M, ETA = 10, 1.0
ENGINE = "gdexp compiled"


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
    ways = arithmetic.programs()
    epochs = {name: PEERS[ENGINE](each, M, ETA).epoch for name, each in networks.items()}
    with threadpool_limits(1):
        found = timing.medians({**{name: way[1] for name, way in ways.items()}, **epochs}, rounds)
    rates = {name: count / found[name] for name, (count, _) in ways.items()}
    best, share, rows = max(rates.values()), dataset.train.density, []
    for name, network in networks.items():
        for kind, part in (("dense", 1.0), (f"sparse, {share:.1%}", share)):
            limit = multiply_adds(network.sizes, part) * network.n / best
            ratio = found[name] / limit
            rows.append([name, kind, f"{limit:.4f}", f"{found[name]:.4f}", f"{ratio:.2f}"])
    return [
        *table(
            ["float32, one core", "10⁹ multiply-adds a second"],
            [[name, f"{rate / 1e9:.1f}"] for name, rate in rates.items()],
        ),
        "",
        *table(["m = 10", "limit", "limit, s", "compiled, s", "times the limit"], rows),
    ]


if __name__ == "__main__":
    section.run("limits", __doc__, main)
