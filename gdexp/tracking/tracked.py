"""The note in a run's folder of where it is tracked, and whether all of it is: mlflow.json."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gdexp.tracking.journal import NAME as JOURNAL

NAME = "mlflow.json"
LONGEST = 2**16  # characters


@dataclass(frozen=True)
class Tracked:
    """What is noted.

    Parameters
    ----------
    run_id, experiment_id : str
        In MLflow.
    store, experiment : str
        The URI of the store, without its password, and the experiment's name; empty in notes of
        older versions.
    complete : int, optional
        Bytes of the journal when the store had all of it; None: not known to have.
    """

    run_id: str
    experiment_id: str
    store: str = ""
    experiment: str = ""
    complete: int | None = None

    def write(self, folder: Path) -> None:
        """Write it down; a folder that cannot be written to does without."""
        whole = {name: value for name, value in asdict(self).items() if value is not None}
        new = folder / f".{NAME}.new"
        with suppress(OSError):
            new.write_text(json.dumps(whole) + "\n")
            os.replace(new, folder / NAME)  # noqa: PTH105 - at once, for who reads it now

    def whole(self, folder: Path) -> bool:
        """Say whether the store has all of the journal as it is now."""
        try:
            return self.complete == (folder / JOURNAL).stat().st_size
        except OSError:
            return False


def tracked(folder: Path) -> Tracked | None:
    """Read the note of a folder; None where it has none that can be read."""
    try:
        noted = json.loads(_text(folder / NAME))
        complete = noted.get("complete")
        return Tracked(
            str(noted["run_id"]),
            str(noted["experiment_id"]),
            str(noted.get("store", "")),
            str(noted.get("experiment", "")),
            complete if isinstance(complete, int) else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(LONGEST)
