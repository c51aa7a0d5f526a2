"""The peers' own code: each as its users would write it, in the fastest of its idiomatic forms.

All descend on C = 1/(2n) Σ‖y − a‖² with sigmoid units, on one thread; scikit-learn alone minimises
the log-loss, since it has no quadratic cost for classes. Forms that were tried, and were no faster:
in PyTorch gathering each mini-batch by itself, and the fused SGD; in JAX donated buffers, inputs
gathered before the scan, and an unrolled scan.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.peer import Array, Peer, Start
from gdexp.problems import Network


def scikit_learn(network: Network, m: int, eta: float) -> Peer:
    """MLPClassifier, one pass at a time."""
    from sklearn.neural_network import MLPClassifier

    x, _ = Start(network, m).arrays()
    labels, classes = network.dataset.train.labels, range(network.dataset.classes)
    model = MLPClassifier(
        network.architecture.hidden,
        activation="logistic",
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=m,
        learning_rate_init=eta / 10,
        shuffle=m < network.n,
        random_state=0,
    )
    return Peer(lambda: model.partial_fit(x, labels, classes=classes) and None, None)


def pytorch(network: Network, m: int, eta: float, rule: str = "SGD", **settings: float) -> Peer:
    """Eager PyTorch: a Sequential, a rule, and slices of shuffled tensors (no DataLoader)."""
    import torch
    from torch.nn.functional import mse_loss

    start = Start(network, m)
    parameters = [torch.nn.Parameter(part) for part in _tensors(start)]
    model = torch.nn.Sequential()
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight, linear.bias = w, b
        model.extend([linear, torch.nn.Sigmoid()])
    make, batches = getattr(torch.optim, rule), _batches(start)
    optimizer = make(model.parameters(), lr=eta, **settings)

    def epoch() -> None:
        for x, y in batches():
            optimizer.zero_grad()
            loss = mse_loss(model(x), y, reduction="sum") / (2 * len(x))
            loss.backward()
            optimizer.step()

    return Peer(epoch, lambda: _flat(p.detach().numpy() for p in parameters))


def pytorch_lean(network: Network, m: int, eta: float) -> Peer:
    """PyTorch with less between the tensors and autograd: no Module, no optimizer, no .grad."""
    import torch
    from torch.nn.functional import linear, mse_loss

    start = Start(network, m)
    parameters = [part.requires_grad_() for part in _tensors(start)]
    layers, batches = list(zip(parameters[::2], parameters[1::2], strict=True)), _batches(start)

    def epoch() -> None:
        for x, y in batches():
            a = x
            for w, b in layers:
                a = torch.sigmoid(linear(a, w, b))
            nabla = torch.autograd.grad(mse_loss(a, y, reduction="sum"), parameters)
            with torch.no_grad():
                for part, change in zip(parameters, nabla, strict=True):
                    part.sub_(change, alpha=eta / (2 * len(x)))

    return Peer(epoch, lambda: _flat(p.detach().numpy() for p in parameters))


def _tensors(start: Start) -> list[Any]:
    import torch

    torch.set_num_threads(1)
    return [torch.from_numpy(part.copy()) for layer in start.layers() for part in layer]


def _batches(start: Start) -> Callable[[], Iterator[tuple[Any, Any]]]:
    import torch

    x, y = (torch.from_numpy(array) for array in start.arrays())
    draw = start.orders()

    def batches() -> Iterator[tuple[Any, Any]]:
        order = draw()
        if order is None:
            return iter([(x, y)])
        shuffled = torch.from_numpy(order)
        return zip(x[shuffled].split(start.m), y[shuffled].split(start.m), strict=True)

    return batches


def jax_scan(network: Network, m: int, eta: float) -> Peer:
    """JAX: the whole epoch as one `lax.scan` under jit; full batch as one step without it."""
    import jax
    import jax.numpy as jnp

    start, turned = Start(network, m), m == 1
    x, y = map(jnp.asarray, start.arrays())
    held = [(jnp.asarray(w.T if turned else w), jnp.asarray(b)) for w, b in start.layers()]
    draw, step = start.orders(), _jax_step(turned, eta)

    @jax.jit
    def run(layers: Any, x: Any, y: Any, order: Any) -> Any:
        if order is None:
            return step(layers, x, y)
        some = order.reshape(-1, m)
        return jax.lax.scan(lambda v, batch: (step(v, x[batch], y[batch]), None), layers, some)[0]

    def epoch() -> None:
        held[:] = jax.block_until_ready(run(held, x, y, draw()))

    def v() -> Array:
        return _flat(np.asarray(p.T if turned else p) for layer in held for p in layer)

    return Peer(epoch, v)


def _jax_step(turned: bool, eta: float) -> Callable[[Any, Any, Any], Any]:
    """Give an update; `turned` weights are (n_in, n_out): twice as fast at m = 1, slower above."""
    import jax

    def cost(layers: Any, x: Any, y: Any) -> Any:
        a = x
        for w, b in layers:
            a = jax.nn.sigmoid(a @ (w if turned else w.T) + b)
        return ((a - y) ** 2).sum() / (2 * len(x))

    def step(layers: Any, x: Any, y: Any) -> Any:
        nabla = jax.grad(cost)(layers, x, y)
        return jax.tree.map(lambda v, g: v - eta * g, layers, nabla)

    return step


def _flat(parts: Iterator[Array]) -> Array:
    return np.concatenate([part.ravel() for part in parts])
