"""Examples in an order that puts zeros at the end, where products leave them out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.data import Examples
from gdexp.engines.held import held

Rows = NDArray[np.intp] | range  # a range stands for examples that lie one after another
Features = NDArray[np.intp] | slice

WORTH = 0.9  # of all features, that examples reach on average: above it order is not worth a copy
SAMPLE = 5_000  # examples that say so
LARGEST = 2**28  # bytes of inputs, of which there are two where they are put in order
GROUP = 8  # features that one bit of `_reach` stands for
BLOCK = 2_000  # examples that are looked at together: what is made of them stays in the cache


@dataclass(frozen=True)
class Ranked:
    """A set of examples, most used features first; by how far each example reaches into them.

    Four of five pixels of MNIST are zero, most of them at the border. With the pixels in order of
    how many images use them, an image reaches into 411 of 784 on average, and zeros follow. The
    columns after that change neither weighted inputs nor weights.

    Parameters
    ----------
    inputs : ndarray, shape (n, n_in)
        Raw, as in `Examples`; so are `labels` and `scale`.
    labels : ndarray, shape (n,)
    scale : float
    reach : ndarray of int, shape (n,)
        How many features come up to an example's last that is not zero, or up to seven more; 0 for
        an example that has none. It grows from each example to the next.
    place : ndarray of int, shape (n,), or None
        Row of each example, in the order of the data; None where they were left as they are.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.intp]
    scale: float
    reach: NDArray[np.intp]
    place: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give the rows of examples of the data."""
        return order if self.place is None else self.place.take(order)


def most_used_first(train: Examples) -> Features:
    """Order the features by how many training examples use them; as they are if most use most."""
    inputs = train.inputs
    return held(train, "most used first", lambda: _most_used_first(inputs))


def _most_used_first(inputs: NDArray[Any]) -> Features:
    used = sum(np.count_nonzero(inputs[block], axis=0) for block in _blocks(inputs))
    by_use = np.argsort(-np.asarray(used), kind="stable")
    some = inputs[:: max(1, len(inputs) // SAMPLE)]
    few = inputs.nbytes <= LARGEST
    worth = few and _reach(some.take(by_use, 1)).mean() <= WORTH * len(by_use)
    return by_use if worth else slice(None)


def ranked(examples: Examples, features: Features) -> Ranked:
    """Put examples in order, once for all runs of a process."""
    inputs, labels, scale = examples.inputs, examples.labels, examples.scale
    if isinstance(features, slice):
        return Ranked(inputs, labels, scale, np.full(len(inputs), inputs.shape[1]))
    key = ("ranked", features.tobytes())
    return held(examples, key, lambda: _ranked(inputs, labels, scale, features))


def _ranked(
    inputs: NDArray[Any], labels: NDArray[np.intp], scale: float, features: NDArray[np.intp]
) -> Ranked:
    blocks = _blocks(inputs)
    reach, place = np.empty((2, len(inputs)), np.intp)
    for block in blocks:
        reach[block] = _reach(inputs[block].take(features, 1))
    order = np.argsort(reach, kind="stable")
    place[order] = np.arange(len(order))
    turned = np.empty_like(inputs)
    for block in blocks:  # once more, so that there are never three of all inputs
        turned[place[block]] = inputs[block].take(features, 1)
    return Ranked(turned, labels.take(order), scale, reach.take(order), place)


def _blocks(inputs: NDArray[Any]) -> list[slice]:
    return [slice(at, at + BLOCK) for at in range(0, len(inputs), BLOCK)]


def _reach(inputs: NDArray[Any]) -> NDArray[np.intp]:
    """Count the features of each row up to its last that is not zero, to the next full GROUP."""
    groups = np.packbits(inputs != 0, axis=1)  # (n, groups)
    last = (groups[:, ::-1] != 0).argmax(axis=1)
    reach: NDArray[np.intp] = np.minimum((groups.shape[1] - last) * GROUP, inputs.shape[1])
    reach[~groups.any(axis=1)] = 0
    return reach
