"""What a record ends with: how the run went, and the files that are left of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gdexp.experiment import RunProblem
from gdexp.problems import Network
from gdexp.record.whole import whole
from gdexp.result import Result

MODEL = "model.npz"


@dataclass(frozen=True)
class End:
    """The end of a run.

    Parameters
    ----------
    status : {"FINISHED", "KILLED", "FAILED"}
    headline : str
        What came of it, in one line.
    tags : mapping of str to str
    figures : mapping of str to float
        Those that are known at the end only.
    pictures : sequence of str
        Files beside the table of epochs.
    model : str, optional
        The file with the parameters, where they make a model.
    """

    status: str
    headline: str
    tags: Mapping[str, str]
    figures: Mapping[str, float] = field(default_factory=dict)
    pictures: Sequence[str] = ()
    model: str | None = None

    @classmethod
    def of(cls, result: Result, problem: RunProblem, pictures: Sequence[str]) -> "End":
        """Give the end of a run that went its way."""
        tags = {"gdexp.outcome": result.outcome}
        if result.lost_classes:
            tags["gdexp.lost_classes"] = ",".join(map(str, result.lost_classes))
        if result.advice:
            tags["gdexp.reason"] = result.advice
        if result.epochs[-1].ended:
            tags["gdexp.stopped"] = result.epochs[-1].ended
        model = MODEL if isinstance(problem, Network) else None
        return cls("FINISHED", result.headline, tags, result.figures, pictures, model)

    @classmethod
    def broken_off(cls, status: str, outcome: str, reason: str) -> "End":
        """Give the end of a run that was stopped, or that failed."""
        tags = {"gdexp.outcome": outcome, "gdexp.reason": reason}
        return cls(status, f"{outcome}: {reason}", tags)

    def told(self, command: str, tables: Sequence[str]) -> dict[str, Any]:
        """Give the journal's last record; `tables` are files that go with the pictures."""
        note = f"{self.headline}\n\n    {command}\n"
        return {
            "status": self.status,
            "tags": {**self.tags, "mlflow.note.content": note},
            "metrics": self.figures,
            "artifacts": [*tables, *self.pictures],
            "model": self.model,
        }


def save_parameters(problem: RunProblem, v: np.ndarray[Any, Any], folder: Path) -> None:
    """Write the parameters, as the arrays that they are of the problem.

    Raises
    ------
    OSError
    """
    arrays: dict[str, Any] = problem.arrays(v)
    with whole(folder / MODEL) as part:
        np.savez(part, **arrays)
