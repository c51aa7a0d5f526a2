"""A network on a data set, as a problem: sums over a batch of C_x and of ∇C_x."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gdexp.data import Batch, Dataset, Examples
from gdexp.measure import Measure
from gdexp.problems.architecture import Architecture
from gdexp.problems.costs import Cost
from gdexp.problems.feedforward import Array, Layer, forward, outputs
from gdexp.problems.quiet import Quiet

BLOCK = 500  # examples whose inputs and activations stay in the cache together
LOST = 0.05  # share of a class's examples; below it the class is lost


class Network(Quiet):
    """A fully connected network on a data set: it classifies examples, or gives each a number.

    Its parameters are one flat vector v: of each layer, from the first to the last, the weights
    (n_out, n_in) row by row, and then the biases (n_out,).

    Parameters
    ----------
    architecture : Architecture
    cost : Cost
    dataset : Dataset
    dtype : dtype
        float64 or float32: the precision of v, of the inputs and of all that is computed.

    Raises
    ------
    SettingError
        Where the cost is not defined for the output activation, or that not for the data.
    """

    def __init__(
        self,
        architecture: Architecture,
        cost: Cost,
        dataset: Dataset,
        dtype: DTypeLike = np.float64,
    ) -> None:
        cost.check(architecture.output_activation)
        self.architecture, self.cost_of, self.dataset = architecture, cost, dataset
        self.dtype = np.dtype(dtype)
        self.targets = architecture.targets(dataset.classes)
        self.sizes = architecture.sizes(dataset.n_in, self.targets.outputs)
        self.activations = architecture.activations
        self.n = len(dataset.train)
        self.size = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(self.sizes))

    def layers(self, v: Array) -> list[Layer]:
        """See v as the weights and biases of each layer: views, not copies."""
        layers, at = [], 0
        for n_in, n_out in pairwise(self.sizes):
            w = v[at : (at := at + n_out * n_in)].reshape(n_out, n_in)
            b = v[at : (at := at + n_out)]
            layers.append((w, b))
        return layers

    def start(self, rng: np.random.Generator) -> Array:
        """Draw weights and biases, layer by layer, in float64 and then rounded to the precision."""
        drawn = [self.architecture.draw(rng, *pair) for pair in pairwise(self.sizes)]
        flat = [part.ravel() for layer in drawn for part in layer]
        return np.concatenate(flat).astype(self.dtype)

    def weights(self, v: Array) -> list[Array]:
        """See the weights of each layer, without the biases: views, not copies."""
        return [w for w, _ in self.layers(v)]

    @property
    def title(self) -> str:
        """Say what it is in a few words: 784-30-10 on mnist."""
        return f"{'-'.join(map(str, self.sizes))} on {self.dataset.name}"

    def params(self) -> dict[str, str]:
        """Give what is to be shown of it beyond its settings."""
        return {
            "architecture.sizes": "-".join(map(str, self.sizes)),
            "architecture.parameters": str(self.size),
        }

    def arrays(self, v: Array) -> dict[str, NDArray[Any]]:
        """Name what of v is to be kept: w1, b1, w2 and so on, and the activations."""
        arrays: dict[str, NDArray[Any]] = {"activations": np.array(self.architecture.names)}
        for l, (w, b) in enumerate(self.layers(v), start=1):
            arrays |= {f"w{l}": w, f"b{l}": b}
        return arrays

    def outputs(self, v: Array, x: Array) -> Array:
        """Output activations, (m, k), for inputs x, (m, n_in)."""
        return outputs(self.layers(v), self.activations, x)

    def cost(self, v: Array, batch: Batch) -> float:
        """Σ C_x over a batch of the training inputs."""
        return self._measure(v, self.dataset.train, batch)[0]

    def gradient(self, v: Array, batch: Batch) -> Array:
        """Σ ∇C_x over a batch of the training inputs, by backpropagation; shape (p,)."""
        return self._gradient(v, self.dataset.train, batch)

    def learn(self, v: Array, examples: Examples) -> tuple[Array, Measure]:
        """Σ ∇C_x over examples that are in no data set, shape (p,), and their measure at v."""
        batch = slice(0, len(examples))
        nabla = self._gradient(v, examples, batch)
        return nabla, Measure(*self._measure(v, examples, batch))

    def _gradient(self, v: Array, examples: Examples, batch: Batch) -> Array:
        blocks = _blocks(batch)
        nabla = self._backprop(v, *self._examples(examples, next(blocks)))
        for block in blocks:
            nabla += self._backprop(v, *self._examples(examples, block))
        return nabla

    def _backprop(self, v: Array, x: Array, y: NDArray[Any]) -> Array:
        """Do for a batch at once what Nielsen's ch. 2 does for one example (BP1 to BP4).

        x is (m, n_in), y is (m, k).
        """
        layers, nabla = self.layers(v), np.empty_like(v)
        a = [x, *(a for _, a in forward(layers, self.activations, x))]
        delta = self.cost_of.delta(self.architecture.output_activation, a[-1], y)  # BP1
        nablas = self.layers(nabla)
        for l in range(len(layers) - 1, -1, -1):
            nabla_w, nabla_b = nablas[l]
            np.matmul(delta.T, a[l], out=nabla_w)  # BP4, summed over the batch
            delta.sum(axis=0, out=nabla_b)  # BP3
            if l > 0:
                delta = self.activations[l - 1].back(a[l], delta @ layers[l][0])  # BP2
        return nabla

    def measure(self, v: Array) -> dict[str, Measure]:
        """Measure v on the training, validation and test examples, where there are such."""
        return {
            name: Measure(*self._measure(v, part, slice(0, len(part))))
            for name, part in self.dataset.parts.items()
        }

    def _measure(self, v: Array, examples: Examples, batch: Batch) -> tuple[float, int, int | None]:
        layers, cost, n, correct = self.layers(v), 0.0, 0, None
        for block in _blocks(batch):
            x, y = self._examples(examples, block)
            *_, (z, a) = forward(layers, self.activations, x)
            each = self.cost_of.of(self.architecture.output_activation, z, a, y)  # (m,)
            cost += float(each.sum(dtype=np.float64))
            right = self.targets.right(a, examples.labels[block])
            correct = None if right is None else int(np.count_nonzero(right)) + (correct or 0)
            n += len(x)
        return cost, n, correct

    def _examples(self, examples: Examples, batch: Batch) -> tuple[Array, NDArray[Any]]:
        y = self.targets.y(examples.labels[batch], self.dtype)
        return examples.x(batch, self.dtype), y

    def lost_classes(self, v: Array) -> list[int]:
        """Classes of which less than `LOST` of the validation examples are recognised.

        Networks that start from N(0, 1) weights can lose whole classes: hardly ever is one of
        them predicted, and all other classes are recognised as well as ever.
        """
        examples = self.dataset.validation
        if not self.dataset.classes:
            return []
        seen = np.bincount(examples.labels, minlength=self.dataset.classes)
        right = np.zeros_like(seen)
        for block in _blocks(slice(0, len(examples))):
            labels = examples.labels[block]
            found = self.targets.right(self.outputs(v, examples.x(block, self.dtype)), labels)
            right += np.bincount(labels[found], minlength=len(right))
        return np.flatnonzero(right < LOST * seen).tolist()


@dataclass(frozen=True)
class NetworkProblem:
    """The choice ``problem=network``: a network of an architecture, on data, under a cost."""

    uses = ("data", "architecture", "cost")
    learns = True  # also from examples that are in no data set

    def build(
        self, dtype: DTypeLike, dataset: Dataset, architecture: Architecture, cost: Cost
    ) -> Network:
        """Give the problem itself; SettingError where its parts do not fit."""
        return Network(architecture, cost, dataset, dtype)


def _blocks(batch: Batch) -> Iterator[Batch]:
    """Cut a batch into blocks, so that memory does not grow with n."""
    if isinstance(batch, slice):
        for first in range(batch.start, batch.stop, BLOCK):
            yield slice(first, min(first + BLOCK, batch.stop))
    else:
        for first in range(0, len(batch), BLOCK):
            yield batch[first : first + BLOCK]
