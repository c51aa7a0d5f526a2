"""gdexp and what people would use instead, all made ready in the same way.

A peer is made with a network, m and eta, and then asked for epochs.
"""

import numpy as np

from benchmarks.libraries import jax_scan, pytorch, pytorch_lean, scikit_learn
from benchmarks.peer import Make, Peer, optimizer
from gdexp.descent import Plain, Rule, State, Update
from gdexp.engines import Blas, Compiled, Engine, Reference
from gdexp.problems import Network


def ours(engine: Engine, rule: Rule | None = None) -> Make:
    """Give gdexp itself, by one of its engines."""
    update = Update(rule=rule or Plain())

    def make(network: Network, m: int, eta: float) -> Peer:
        network = Network(network.architecture, network.cost_of, network.dataset, engine.dtype)
        state, carrier = State.begin(network, 0), engine.prepare(network)
        state.memory = update.rule.start(state.v)

        def epoch() -> None:
            with np.errstate(over="ignore"):  # as descent has it: a saturated sigmoid
                carrier.train_epoch(network, optimizer(network, m), update, eta, state)

        return Peer(epoch, lambda: state.v)

    return make


PEERS: dict[str, Make] = {
    "gdexp compiled": ours(Compiled("float32")),
    "gdexp blas": ours(Blas("float32")),
    "gdexp reference, float32": ours(Reference("float32")),
    "gdexp reference": ours(Reference("float64")),
    "scikit-learn": scikit_learn,
    "PyTorch, Module and SGD": pytorch,
    "PyTorch, autograd.grad": pytorch_lean,
    "JAX scan": jax_scan,
}
