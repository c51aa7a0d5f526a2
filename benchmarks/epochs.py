"""Seconds of an epoch, ours and others', side by side in one run, and the costs they reach.

MNIST, 50,000 training examples, training only, one core; medians of rounds in which every program
has its turn. All begin with the same weights and go through the same orders; a program that then
has not the reference's cost ends the section with an error. Peers that are not installed are left
out.
"""

import sys
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing
from benchmarks.document import table
from benchmarks.peer import Make, Peer
from benchmarks.peers import PEERS
from gdexp.problems import Network

WORKLOADS = {  # hidden layers, m (0: all), eta
    "784-30-10, m = 10": ([30], 10, 1.0),
    "m = 1": ([30], 1, 0.1),
    "m = 100": ([30], 100, 1.0),
    "full batch": ([30], 0, 1.0),
    "784-100-10, m = 10": ([100], 10, 1.0),
    "784-20-20-10, m = 10": ([20, 20], 10, 1.0),
}
OURS, REFERENCE = "gdexp compiled", "gdexp reference"
# Of the reference's cost. At the book's eta = 3 rounding grows so fast on the way that costs after
# an epoch differ by some per cent, at eta = 1 by less than 0.1 %. Either takes as long.
TOLERANCE = 0.01
Figures = dict[str, float]  # by program


def made(
    network: Network, m: int, eta: float, programs: Mapping[str, Make] = PEERS
) -> dict[str, Peer]:
    """Make every program ready that is installed."""
    peers = {}
    for name, make in programs.items():
        try:
            peers[name] = make(network, m, eta)
        except ModuleNotFoundError as missing:
            print(f"{name}: not installed ({missing.name})", file=sys.stderr)
    return peers


def cost(network: Network, peer: Peer) -> float | None:
    """Give the mean quadratic cost that a program has reached, computed in float64 for all."""
    if peer.v is None:
        return None
    return network.cost(peer.v().astype(network.dtype), slice(0, network.n)) / network.n


def measure(
    network: Network, m: int, eta: float, rounds: int, programs: Mapping[str, Make] = PEERS
) -> tuple[Figures, Figures]:
    """Give medians by program, and the costs after the first epoch, which is not timed."""
    peers = made(network, m, eta, programs)
    epochs = {name: peer.epoch for name, peer in peers.items()}
    first = timing.once(epochs)
    costs = {name: cost(network, peer) for name, peer in peers.items()}
    seconds = timing.medians(epochs, rounds, first)
    return seconds, {name: each for name, each in costs.items() if each is not None}


def unequal(costs: Mapping[str, float]) -> list[str]:
    """Name the programs whose cost is not the reference's, within the tolerance."""
    right = costs[REFERENCE]
    return [
        f"{name} has the cost {each:.5g}, the reference {right:.5g}"
        for name, each in costs.items()
        if not abs(each - right) <= TOLERANCE * right  # so that a NaN is told too
    ]


def lines(seconds: Mapping[str, Figures], costs: Mapping[str, Figures]) -> list[str]:
    """Write seconds with how many times as long as ours, then the costs."""
    names = next(iter(seconds.values()))
    timed = [
        [name, *(f"{each[name]:.3g} ({each[name] / each[OURS]:.3g})" for each in seconds.values())]
        for name in names
    ]
    reached = [
        [name, *(f"{each[name]:.5f}" if name in each else "log-loss" for each in costs.values())]
        for name in names
    ]
    return [
        *table(["seconds an epoch", *seconds], timed),
        "",
        *table(["mean quadratic cost after one epoch", *costs], reached),
    ]


def main(rounds: int) -> list[str]:
    """Measure all workloads; gives both tables.

    Raises
    ------
    SystemExit
        Where programs have not the same cost, and so have not done the same work.
    """
    timing.pin()
    dataset = mnist.load()
    seconds, costs, wrong = {}, {}, []
    for name, (hidden, m, eta) in WORKLOADS.items():
        section.step(name)
        network = mnist.network(dataset, hidden)
        with threadpool_limits(1):
            seconds[name], costs[name] = measure(network, m or network.n, eta, rounds)
        wrong += [f"{name}: {each}" for each in unequal(costs[name])]
    if wrong:
        print("\n".join(lines(seconds, costs)))
        raise SystemExit("\n".join(wrong))
    return lines(seconds, costs)


if __name__ == "__main__":
    section.run("epochs", __doc__, main)
