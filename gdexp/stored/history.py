"""What a run wrote down as it went: from its journal where that is reachable, else as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gdexp.errors import GdexpError
from gdexp.stored.files import read
from gdexp.stored.reader import Reader
from gdexp.stored.run import StoredRun
from gdexp.tracking.journal import NAME, read_line


@dataclass(frozen=True)
class History:
    """A run from its start to its end.

    Parameters
    ----------
    epochs : mapping of int to mapping of str to float
        What was measured after each epoch (0: the start), by name, exactly as it was measured.
    datasets : sequence of mapping
        The sets of examples: name, digest, context; empty where that is not known.
    whole : bool
        Whether it comes from the journal, which has every epoch; MLflow has 320 of long runs.
    why : str
        Why it does not.
    """

    epochs: Mapping[int, Mapping[str, float]]
    datasets: Sequence[Mapping[str, str]] = field(default_factory=list)
    whole: bool = True
    why: str = ""

    @property
    def digests(self) -> dict[str, str] | None:
        """The digest of each set of examples, by its name; None where that is not known."""
        if not self.whole:
            return None
        return {each["name"]: each["digest"] for each in self.datasets}


def history(reader: Reader, run: StoredRun, uri: str) -> History:
    """Read a run's history: its journal, or what the store has where there is none.

    Parameters
    ----------
    reader : Reader
    run : StoredRun
    uri : str
        The store, as MLflow takes it.

    Raises
    ------
    GdexpError
        Where the store cannot be read.
    """
    try:
        return _of_journal(read(run, NAME, uri), run)
    except GdexpError as error:
        points = reader.histories([run.id])
        curves = points[~points["metric"].str.match(r"(?:best|final|time|by_update)/")]
        epochs: dict[int, dict[str, float]] = {}
        for name, step, value in curves[["metric", "step", "value"]].itertuples(index=False):
            epochs.setdefault(int(step), {})[name] = float(value)
        return History(dict(sorted(epochs.items())), whole=False, why=str(error))


def _of_journal(content: bytes, run: StoredRun) -> History:
    epochs: dict[int, dict[str, float]] = {}
    datasets: list[Mapping[str, str]] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            record: dict[str, Any] = read_line(line)
        except ValueError as error:
            told = f"run {run.id[:8]}: its {NAME} is damaged in line {number} ({error})."
            raise GdexpError(told) from None
        if record["kind"] == "start":
            datasets = record["datasets"]
        elif record["kind"] in ("epoch", "look"):
            measured = {name: float(value) for name, value in record["metrics"].items()}
            epochs.setdefault(record["epoch"], {}).update(measured)
    return History(epochs, datasets)
