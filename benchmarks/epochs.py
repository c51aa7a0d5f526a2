"""Seconds of an epoch, ours and others', side by side in one run, and the costs they reach.

MNIST, 50,000 training examples, training only, one core; medians of rounds in which every program
has its turn, in moments in which the core is not shared (see `undisturbed`). Those are short: what
takes longer is timed on fewer examples. All begin with the same weights and go through the same
orders; a program that then has not the reference's cost ends the section with an error. Peers that
are not installed are left out.
"""

import sys
from collections.abc import Mapping
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing, undisturbed
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
LONG, PART = 0.2, 0.1  # seconds of an epoch from which on a part is timed, and of that part
ONCE = 5.0  # seconds of a first epoch that are not due to compiling something
Figures = dict[str, float]  # by program


class Measured(NamedTuple):
    """Seconds of an epoch; costs after the first; how many samples count of the one with fewest."""

    seconds: Figures
    costs: Figures
    samples: str


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
) -> Measured:
    """Time epochs; the first, after which costs are taken, does not count."""
    timed, times, costs = {}, {}, {}
    for name, peer in made(network, m, eta, programs).items():
        took = timing.seconds(peer.epoch)
        if (reached := cost(network, peer)) is not None:
            costs[name] = reached
        if took < ONCE:
            took = min(took, timing.seconds(peer.epoch))
        some = part(network, m, took)
        timed[name] = peer.epoch if some is network else programs[name](some, m, eta).epoch
        times[name] = network.n / some.n
    found = undisturbed.medians(timed, rounds)
    seconds = {name: each.seconds * times[name] for name, each in found.items()}
    return Measured(seconds, costs, min(found.values(), key=lambda each: each.counted).share)


def part(network: Network, m: int, took: float) -> Network:
    """Give the network with examples for PART seconds, where an epoch takes longer than LONG."""
    if took <= LONG or m == network.n:
        return network
    updates = max(2, round(network.n / m * PART / took))
    dataset = mnist.first(network.dataset, m * updates)
    return Network(network.architecture, network.cost_of, dataset, network.dtype)


def unequal(costs: Mapping[str, float]) -> list[str]:
    """Name the programs whose cost is not the reference's, within the tolerance."""
    right = costs[REFERENCE]
    return [
        f"{name} has the cost {each:.5g}, the reference {right:.5g}"
        for name, each in costs.items()
        if not abs(each - right) <= TOLERANCE * right  # so that a NaN is told too
    ]


def lines(found: Mapping[str, Measured]) -> list[str]:
    """Write seconds with how many times as long as ours, then the costs."""
    every = [each.seconds for each in found.values()]
    names = every[0]
    timed = [
        [name, *(f"{each[name]:.3g} ({each[name] / each[OURS]:.3g})" for each in every)]
        for name in names
    ]
    costs = [each.costs for each in found.values()]
    reached = [
        [name, *(f"{each[name]:.5f}" if name in each else "log-loss" for each in costs)]
        for name in names
    ]
    timed.append(["samples that count, at least", *(each.samples for each in found.values())])
    return [
        *table(["seconds an epoch", *found], timed),
        "",
        *table(["mean quadratic cost after one epoch", *found], reached),
    ]


def compared(found: Mapping[str, Measured]) -> list[str]:
    """Give both tables.

    Raises
    ------
    SystemExit
        Where programs have not the same cost, and so have not done the same work.
    """
    wrong = [f"{name}: {each}" for name, one in found.items() for each in unequal(one.costs)]
    if wrong:
        print("\n".join(lines(found)))
        raise SystemExit("\n".join(wrong))
    return lines(found)


def main(rounds: int) -> list[str]:
    """Measure all workloads; gives both tables."""
    timing.pin()
    dataset, found = mnist.load(), {}
    for name, (hidden, m, eta) in WORKLOADS.items():
        section.step(name)
        network = mnist.network(dataset, hidden)
        with threadpool_limits(1):
            found[name] = measure(network, m or network.n, eta, rounds)
    return compared(found)


if __name__ == "__main__":
    section.run("epochs", __doc__, main)
