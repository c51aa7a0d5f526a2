"""The network against a per-example implementation with column vectors, as the book has it."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import Dataset, Digits, Examples
from gdexp.descent import FullGradient, MiniBatch, Online, Optimizer, Scaling, State, descent
from gdexp.problems import Architecture, Network, Quadratic

Column = NDArray[np.floating[Any]]


def sigmoid(z: Column) -> Column:
    column: Column = 1.0 / (1.0 + np.exp(-z))
    return column


class BookNetwork:
    """Sigmoid units, quadratic cost, one example at a time: equations BP1 to BP4 and (20), (21)."""

    def __init__(self, weights: list[Column], biases: list[Column]) -> None:
        self.weights, self.biases = weights, biases

    def nablas(self, x: Column, y: Column) -> tuple[list[Column], list[Column]]:
        activations = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            activations.append(sigmoid(w @ activations[-1] + b))
        a = activations.pop()
        delta = (a - y) * a * (1 - a)
        nabla_w: list[Column] = [delta @ activations[-1].T]
        nabla_b: list[Column] = [delta]
        for l in range(len(self.weights) - 1, 0, -1):
            a = activations[l]
            delta = (self.weights[l].T @ delta) * a * (1 - a)
            nabla_w.insert(0, delta @ activations[l - 1].T)
            nabla_b.insert(0, delta)
        return nabla_w, nabla_b

    def update(self, batch: list[tuple[Column, Column]], eta: float) -> None:
        sums_w = [np.zeros_like(w) for w in self.weights]
        sums_b = [np.zeros_like(b) for b in self.biases]
        for x, y in batch:
            nabla_w, nabla_b = self.nablas(x, y)
            sums_w = [s + n for s, n in zip(sums_w, nabla_w, strict=True)]
            sums_b = [s + n for s, n in zip(sums_b, nabla_b, strict=True)]
        rate = eta / len(batch)
        self.weights = [w - rate * s for w, s in zip(self.weights, sums_w, strict=True)]
        self.biases = [b - rate * s for b, s in zip(self.biases, sums_b, strict=True)]


def columns(dataset: Dataset) -> list[tuple[Column, Column]]:
    train = dataset.train
    targets = np.eye(dataset.classes)
    xs = train.inputs / train.scale
    return [
        (x[:, None], targets[label][:, None]) for x, label in zip(xs, train.labels, strict=True)
    ]


def batches(optimizer: Optimizer, n: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Equal order of examples, cut independently."""
    if isinstance(optimizer, FullGradient):
        yield list(range(n))
        return
    order = rng.permutation(n).tolist()
    m = optimizer.batch if isinstance(optimizer, MiniBatch) else 1
    while order:
        yield order[:m]
        order = order[m:]


def some(dataset: Dataset, n: int) -> Dataset:
    train = Examples(dataset.train.inputs[:n], dataset.train.labels[:n], dataset.train.scale)
    return Dataset(
        dataset.name, train, dataset.validation, dataset.test, dataset.classes, dataset.source
    )


@pytest.mark.parametrize("optimizer", [FullGradient(), MiniBatch(10), MiniBatch(32), Online()])
@pytest.mark.parametrize("hidden", [[], [30], [20, 20]])
def test_one_epoch_equals_the_book_to_1e_12(optimizer: Optimizer, hidden: list[int]) -> None:
    dataset = Digits().load()  # n = 1,300: of 32, the last mini-batch holds 20
    compare(dataset, optimizer, hidden)


@pytest.mark.parametrize("optimizer", [FullGradient(), MiniBatch(30), Online()])
def test_one_epoch_on_mnist_equals_the_book_to_1e_12(optimizer: Optimizer, mnist: Dataset) -> None:
    compare(some(mnist, 2000), optimizer, [30])  # the last mini-batch holds 20


def compare(dataset: Dataset, optimizer: Optimizer, hidden: list[int]) -> None:
    # One example at a time, eta = 3 is chaotic: a rounding error of 1e-16 would grow to order 1.
    eta = 0.3 if isinstance(optimizer, Online) else 3.0
    network = Network(Architecture(hidden), Quadratic(), dataset)
    state = State.begin(network, seed=5)
    layers = network.layers(state.v.copy())
    book = BookNetwork([w for w, _ in layers], [b[:, None] for _, b in layers])
    orders = copy.deepcopy(state.rng)
    *_, last = descent(network, optimizer, Scaling(), state, eta=eta, epochs=1)

    examples = columns(dataset)
    for batch in batches(optimizer, len(examples), orders):
        book.update([examples[i] for i in batch], eta=eta)
    ours = network.layers(state.v)
    for (w, b), book_w, book_b in zip(ours, book.weights, book.biases, strict=True):
        assert np.abs(w - book_w).max() <= 1e-12 * np.abs(book_w).max()
        assert np.abs(b[:, None] - book_b).max() <= 1e-12 * np.abs(book_b).max()
    assert last.examples == len(examples)
