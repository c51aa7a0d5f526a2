"""What people would use instead, each in its own idiom: an epoch of the same network and cost.

A peer is made once with the training set, and then asked for epochs; it gives the seconds of each.
All descend on C = 1/(2n) Σ‖y − a‖² with sigmoid units from the same first weights; scikit-learn
alone minimises the log-loss, since it has no quadratic cost for classes.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from gdexp.descent import FullGradient, MiniBatch, Scaling, State
from gdexp.engines import Blas, Compiled, Engine, Reference
from gdexp.problems import Network

Epoch = Callable[[], float]  # trains for one epoch; gives its seconds


def ours(engine: Engine) -> Callable[[Network, int, float], Epoch]:
    """Give gdexp itself, by one of its engines."""

    def make(network: Network, m: int, eta: float) -> Epoch:
        network = Network(network.architecture, network.cost_of, network.dataset, engine.dtype)
        state, carrier = State.begin(network, 0), engine.prepare(network)
        optimizer = FullGradient() if m == network.n else MiniBatch(m)

        def epoch() -> float:
            began = time.perf_counter()
            with np.errstate(over="ignore"):  # as descent has it: a saturated sigmoid
                carrier.train_epoch(network, optimizer, Scaling(), eta, state)
            return time.perf_counter() - began

        return epoch

    return make


def scikit_learn(network: Network, m: int, eta: float) -> Epoch:
    """MLPClassifier, one pass at a time."""
    from sklearn.neural_network import MLPClassifier

    train = network.dataset.train
    x, labels = train.x(slice(None), np.float32), train.labels
    model = MLPClassifier(
        network.architecture.hidden,
        activation="logistic",
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=m,
        learning_rate_init=eta / 10,
        max_iter=1,
    )

    def epoch() -> float:
        began = time.perf_counter()
        model.partial_fit(x, labels, classes=range(network.dataset.classes))
        return time.perf_counter() - began

    return epoch


def pytorch(network: Network, m: int, eta: float) -> Epoch:
    """Eager PyTorch: a Sequential, SGD, and slices of a shuffled tensor (no DataLoader)."""
    import torch

    torch.set_num_threads(1)
    n, sizes = network.n, network.sizes
    x, y = (torch.from_numpy(array) for array in _arrays(network))
    linear = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    layers = [part for each in linear for part in (each, torch.nn.Sigmoid())]
    model = torch.nn.Sequential(*layers)
    first = State.begin(network, 0).v.astype(np.float32)
    torch.nn.utils.vector_to_parameters(torch.from_numpy(first), model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=eta)

    def epoch() -> float:
        began = time.perf_counter()
        order = torch.randperm(n)
        for k in range(0, n, m):
            batch = order[k : k + m]
            optimizer.zero_grad()
            loss = ((model(x[batch]) - y[batch]) ** 2).sum() / (2 * len(batch))
            loss.backward()
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def jax_scan(network: Network, m: int, eta: float) -> Epoch:
    """JAX: the whole epoch as one `lax.scan` under jit."""
    import jax
    import jax.numpy as jnp

    n = network.n
    x, y = map(jnp.asarray, _arrays(network))
    first = network.layers(State.begin(network, 0).v.astype(np.float32))
    layers = [(jnp.asarray(w), jnp.asarray(b)) for w, b in first]

    def cost(layers: Any, x: Any, y: Any) -> Any:
        a = x
        for w, b in layers:
            a = jax.nn.sigmoid(a @ w.T + b)
        return ((a - y) ** 2).sum() / (2 * m)

    def step(layers: Any, batch: Any) -> Any:
        nabla = jax.grad(cost)(layers, x[batch], y[batch])
        return jax.tree.map(lambda v, g: v - eta * g, layers, nabla), None

    run = jax.jit(lambda layers, order: jax.lax.scan(step, layers, order)[0])
    rng, held = np.random.default_rng(0), {"layers": layers}
    jax.block_until_ready(run(layers, jnp.asarray(rng.permutation(n).reshape(-1, m))))

    def epoch() -> float:
        began = time.perf_counter()
        order = jnp.asarray(rng.permutation(n).reshape(-1, m))
        held["layers"] = jax.block_until_ready(run(held["layers"], order))
        return time.perf_counter() - began

    return epoch


def _arrays(network: Network) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    train = network.dataset.train
    y = np.eye(network.dataset.classes, dtype=np.float32)[train.labels]
    return train.x(slice(None), np.float32), y


PEERS: dict[str, Callable[[Network, int, float], Epoch]] = {
    "gdexp blas": ours(Blas("float32")),
    "gdexp compiled": ours(Compiled("float32")),
    "gdexp reference, float32": ours(Reference("float32")),
    "gdexp reference": ours(Reference("float64")),
    "scikit-learn": scikit_learn,
    "PyTorch eager": pytorch,
    "JAX scan": jax_scan,
}
