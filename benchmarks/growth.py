"""How an epoch's seconds grow with examples, width, depth and mini-batch.

MNIST and sigmoid units, one core. A slope is that of log seconds over log size, by least squares: 1
where the cost grows as the size does, 0 where it does not. Small sizes, where what an epoch or an
update costs in any case counts, are in the table but not in the slope.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing
from benchmarks.document import table
from benchmarks.peers import PEERS
from gdexp.data import Dataset
from gdexp.problems import Network

PROGRAMS = [
    name for name in ("gdexp compiled", "gdexp blas", "gdexp reference, float32") if name in PEERS
]
ETA, M, N = 0.1, 10, 10_000  # but where m, or the number of examples, is what grows


@dataclass(frozen=True)
class Series:
    """Networks and mini-batches of growing size.

    Parameters
    ----------
    name : str
    sizes : sequence of int
    past : int
        The first size that counts for the slope.
    make : callable
        Gives the network and m of a size.
    added : bool
        Whether the slope is of what comes on top of the first size, in both.
    """

    name: str
    sizes: Sequence[int]
    past: int
    make: Callable[[int], tuple[Network, int]]
    added: bool = False

    def slope(self, seconds: Mapping[int, float]) -> float:
        """Give the slope over the sizes that count."""
        counted = [size for size in self.sizes if size >= self.past]
        size_0, time_0 = (self.sizes[0], seconds[self.sizes[0]]) if self.added else (0, 0.0)
        return timing.slope(
            [size - size_0 for size in counted], [seconds[size] - time_0 for size in counted]
        )

    @property
    def points(self) -> str:
        """Say what the slope is of."""
        what = "added to the first" if self.added else "seconds"
        return f"slope from {self.past:,} on ({what})"


def series(dataset: Dataset) -> list[Series]:
    """Give all that is measured."""
    some = mnist.first(dataset, N)
    return [
        Series(
            "examples n (784-30-10, m = 10)",
            [500, 1_500, 5_000, 15_000, 50_000],
            1_500,
            lambda n: (mnist.network(mnist.first(dataset, n), [30]), M),
        ),
        Series(
            f"width h (784-h-10, m = 10, n = {N:,})",
            [16, 32, 64, 128, 256, 512],
            64,
            lambda width: (mnist.network(some, [width]), M),
        ),
        Series(
            f"hidden layers of 128 units (m = 10, n = {N:,})",
            [1, 2, 3, 4, 5, 6],
            2,
            lambda depth: (mnist.network(some, [128] * depth), M),
            added=True,
        ),
        Series(
            f"mini-batch m (784-30-10, n = {N:,})",
            [1, 3, 10, 30, 100, 300, 1_000, N],
            100,
            lambda m: (mnist.network(some, [30]), m),
        ),
    ]


def measure(one: Series, rounds: int) -> list[str]:
    """Time every program at every size, all of them in turn; gives the table."""
    epochs = {}
    for size in one.sizes:
        network, m = one.make(size)
        for name in PROGRAMS:
            epochs[name, size] = PEERS[name](network, m, ETA).epoch
    found = timing.medians(epochs, max(1, rounds // 4))  # all are quick: each has eight turns
    return table(
        [f"seconds an epoch, by {one.name}", *(f"{size:,}" for size in one.sizes), one.points],
        [_row(name, one, {size: found[name, size] for size in one.sizes}) for name in PROGRAMS],
    )


def _row(name: str, one: Series, seconds: Mapping[int, float]) -> list[str]:
    return [name, *(f"{each:.3g}" for each in seconds.values()), f"{one.slope(seconds):.2f}"]


def main(rounds: int) -> list[str]:
    """Measure all; gives a table of each."""
    timing.pin()
    lines: list[str] = []
    for one in series(mnist.load()):
        section.step(one.name)
        with threadpool_limits(1):
            lines += ["", *measure(one, rounds)]
    return lines[1:]


if __name__ == "__main__":
    section.run("growth", __doc__, main)
