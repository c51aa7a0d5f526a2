"""Which classes are taken for which, and the worst mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.diagnostics import figures
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject
from gdexp.diagnostics.files import card, matrix, table
from gdexp.diagnostics.predictions import Predictions, predictions
from gdexp.diagnostics.sheets import grey, sheet
from gdexp.errors import one_of, whole
from gdexp.problems import Network

PARTS = ("val", "test", "train")


@dataclass(frozen=True)
class Confusion(Diagnostic):
    """The confusion matrix, and what follows from it.

    Recall of a class is the share of its examples that are recognised, precision the share of
    what is taken for it that is right. The worst mistakes are those in which the output of the
    wrong class exceeds that of the right one most.

    Parameters
    ----------
    every : int
        As in `Diagnostic`.
    part : {"val", "test", "train"}
        The set of examples.
    mistakes : int
        How many are drawn, where the inputs are pixels; 0 for none.

    Raises
    ------
    SettingError
        Where a setting is not allowed.
    """

    every: int = 5
    part: str = "val"
    mistakes: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("part", self.part, PARTS)
        whole("mistakes", self.mistakes, 0, "25")

    def unfit(self, problem: Subject) -> str:
        """Refuse what has no classes."""
        if not isinstance(problem, Network) or not problem.dataset.classes:
            return "only a network that classifies has a confusion matrix"
        examples = problem.dataset.parts.get(self.part)
        return "" if examples else f"these data have no examples for part={self.part}"

    def look(self, sight: Sight) -> Finding:
        """Classify the set of examples."""
        network, epoch = sight.problem, sight.epoch.number
        assert isinstance(network, Network)  # `unfit`
        seen = predictions(network, sight.v, self.part)
        counts, names = seen.confusion, class_names(network)
        rows = _rows(counts, names, epoch)
        found = Finding(
            {f"recall/{row['class']}": row["recall"] for row in rows if row["examples"]}
        )
        found.files.extend(table(sight.folder, "recall", rows))
        lines = [
            ["class", *names],
            *([name, *row] for name, row in zip(names, counts, strict=True)),
        ]
        found.files.extend(matrix(sight.folder, f"confusion/epoch_{epoch:04}", lines))
        drawn = figures.confusion(counts, names, f"{self.part}, after epoch {epoch}")
        found.files.extend(card(sight.folder, "confusion", epoch, drawn))
        found.files.extend(self._mistakes(network, seen, names, sight))
        return found

    def _mistakes(
        self, network: Network, seen: Predictions, names: Sequence[str], sight: Sight
    ) -> list[str]:
        worst, shape = seen.worst(self.mistakes), network.dataset.image_shape
        if not len(worst) or not shape:
            return []
        images = _unstandardised(network, network.dataset.parts[self.part].x(worst))
        captions = [f"{names[seen.labels[i]]}  as  {names[seen.predicted[i]]}" for i in worst]
        drawn = sheet([grey(each.reshape(shape)) for each in images], captions)
        return card(sight.folder, "mistakes", sight.epoch.number, drawn)


def class_names(network: Network) -> list[str]:
    """Give the names of the classes, or their numbers, in what a metric's name may hold."""
    given = network.dataset.class_names or range(network.dataset.classes)
    return ["".join(c if c.isalnum() or c in "_-. " else "_" for c in str(each)) for each in given]


def _unstandardised(network: Network, x: NDArray[Any]) -> NDArray[Any]:
    shift, spread = network.dataset.shift, network.dataset.spread
    return x * np.array(spread) + np.array(shift) if spread else x


def _rows(counts: NDArray[np.int64], names: Sequence[str], epoch: int) -> list[dict[str, Any]]:
    rows = []
    for j, name in enumerate(names):
        right, of_class, taken = int(counts[j, j]), int(counts[j].sum()), int(counts[:, j].sum())
        wrong = np.where(np.arange(len(names)) == j, 0, counts[j])
        rows.append(
            {
                "epoch": epoch,
                "class": name,
                "examples": of_class,
                "recall": right / of_class if of_class else None,
                "precision": right / taken if taken else None,
                "most often taken for": names[int(wrong.argmax())] if wrong.any() else "",
            }
        )
    return rows
