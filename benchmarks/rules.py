"""Seconds of an epoch under other rules than plain steps, and the costs they reach.

784-30-10 on MNIST, m = 10, as in the section "epochs": the same weights, orders and checks.
"""

from functools import partial

from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing
from benchmarks.epochs import compared, measure
from benchmarks.libraries import pytorch
from benchmarks.peer import Make
from benchmarks.peers import ours
from gdexp.descent import Adagrad, Adam, Momentum, Nesterov, RMSprop, Rule
from gdexp.engines import Compiled, Reference

M = 10
# Rates at which rounding does not grow; they are not the best ones.
RULES: dict[str, tuple[Rule, float, Make]] = {
    "momentum": (Momentum(0.9), 0.05, partial(pytorch, momentum=0.9)),
    "nesterov": (Nesterov(0.9), 0.05, partial(pytorch, momentum=0.9, nesterov=True)),
    "adagrad": (Adagrad(), 0.01, partial(pytorch, rule="Adagrad")),
    "rmsprop": (RMSprop(), 0.0003, partial(pytorch, rule="RMSprop")),
    "adam": (Adam(), 0.0003, partial(pytorch, rule="Adam")),
}


def programs(rule: Rule, peer: Make) -> dict[str, Make]:
    """Give ours and PyTorch's way of one rule."""
    return {
        "gdexp compiled": ours(Compiled("float32"), rule),
        "gdexp reference, float32": ours(Reference("float32"), rule),
        "gdexp reference": ours(Reference("float64"), rule),
        "PyTorch, Module": peer,
    }


def main(rounds: int) -> list[str]:
    """Measure all rules; gives both tables."""
    timing.pin()
    network, found = mnist.network(mnist.load(), [30]), {}
    for name, (rule, eta, peer) in RULES.items():
        section.step(name)
        with threadpool_limits(1):
            found[name] = measure(network, M, eta, rounds, programs(rule, peer))
    return compared(found)


if __name__ == "__main__":
    section.run("rules", __doc__, main)
