"""What a run that was interrupted left in its folder, read so that it can go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gdexp.descent import Epoch, Past, State
from gdexp.diagnostics import Inspection
from gdexp.errors import GdexpError
from gdexp.tracking import Reader, checkpoint, names
from gdexp.tracking.checkpoint import Checkpoint, CheckpointError
from gdexp.tracking.hold import Hold
from gdexp.tracking.journal import DAMAGE, mend, understood

Row = dict[str, Any]


@dataclass
class Interrupted:
    """A run's journal so far, and the checkpoint from which it goes on.

    Parameters
    ----------
    folder : Path
    hold : Hold
        The hold on it: this process alone goes on with the run.
    start : mapping
        The journal's first record.
    count : int
        Records that there are.
    records : sequence of mapping
        Those of epochs, looks and updates.
    last : mapping
        The last one.
    process : mapping of str to str
        Tags of the process that trained last.
    checkpoint : Checkpoint, optional
        None: the run begins again, and is compared with what is written.
    words : list of str
        What is to be told of damage that was dealt with.
    forced : bool
        Whether it goes on although something is not as it was.
    """

    folder: Path
    hold: Hold
    start: Mapping[str, Any]
    count: int
    records: list[Row]
    last: Mapping[str, Any]
    process: Mapping[str, str]
    checkpoint: Checkpoint | None = None
    words: list[str] = field(default_factory=list)
    forced: bool = False

    @property
    def command(self) -> str:
        """Give the command line that repeats the run; empty where its file is gone."""
        path = self.folder / "command.txt"
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""

    @property
    def epoch(self) -> int:
        """The epoch after which the checkpoint was made; -1 where there is none."""
        return -1 if self.checkpoint is None else int(self.checkpoint.facts["counts"][0])

    @property
    def elapsed(self) -> float:
        """Seconds that the run had taken at the checkpoint, all included."""
        return 0.0 if self.checkpoint is None else float(self.checkpoint.facts["elapsed"])

    def rows(self) -> list[Row]:
        """Give the records of the epochs up to the checkpoint."""
        return [r for r in self.records if r["kind"] == "epoch" and r["epoch"] <= self.epoch]

    def epochs(self) -> list[Epoch]:
        """Give the epochs up to the checkpoint, as they were."""
        return [names.epoch_of(record, self._sizes) for record in self.rows()]

    def ahead(self) -> dict[int, Row]:
        """Give the records of epochs that are gone through again, by number."""
        ahead = (r for r in self.records if r["kind"] == "epoch" and r["epoch"] > self.epoch)
        return {record["epoch"]: record for record in ahead}

    def looks(self) -> dict[tuple[int, bool], Row]:
        """Give the records of looks, by epoch, and by whether they were after the last."""
        looks = (r for r in self.records if r["kind"] == "look")
        return {(record["epoch"], record["last"]): record for record in looks}

    def updates(self) -> dict[int, Row]:
        """Give the records of updates that are gone through again, by the first of each."""
        later = (r for r in self.records if r["kind"] == "updates" and r["epoch"] > self.epoch)
        return {record["first"]: record for record in later}

    def past(self) -> Past:
        """Give what lies behind the descent."""
        seconds = {n: float(r["metrics"]["progress/seconds"]) for n, r in self.ahead().items()}
        return Past(self.epochs(), seconds)

    def recall(self, state: State, inspection: Inspection) -> None:
        """Bring the state, and who looks on, to where the checkpoint left them.

        Raises
        ------
        GdexpError
            Where the checkpoint is of another problem.
        """
        if self.checkpoint is None:
            return
        try:
            self._recall(self.checkpoint, state, inspection)
        except GdexpError:
            raise
        except DAMAGE as error:
            told = " ".join(str(error).split())[:100]
            raise GdexpError(f"{self.folder}: its checkpoint is of another run ({told}).") from None

    def _recall(self, checkpoint: Checkpoint, state: State, inspection: Inspection) -> None:
        facts, arrays = checkpoint.facts, checkpoint.arrays
        of_state = {name: each for name, each in arrays.items() if not name.startswith("looks.")}
        if any(each.shape != state.v.shape for each in of_state.values()):
            raise GdexpError(f"{self.folder}: its checkpoint is of another problem.")
        state.v[:] = arrays["v"]
        state.best = arrays.get("best")
        state.memory = {
            name.removeprefix("memory."): each
            for name, each in arrays.items()
            if name.startswith("memory.")
        }
        state.rng.bit_generator.state = facts["rng"]
        state.epoch, state.updates, state.examples = facts["counts"]
        state.seconds = float(facts["seconds"])
        looks = {name.removeprefix("looks."): each for name, each in arrays.items()}
        inspection.recall(facts["looks"], looks)

    def check(self) -> None:
        """Read all of it once: what is missing of a record is to be told now."""
        _ = [self.start[name] for name in ("config", "params", "tags", "datasets")]
        _ = self.process["gdexp.host"], self.last["kind"], self.elapsed
        if self.last["kind"] == "end":
            _ = self.last["status"]
        _ = self.looks(), self.past(), [each["costs"] for each in self.updates().values()]

    @property
    def _sizes(self) -> dict[str, int]:
        return dict(next(r for r in self.records if r["kind"] == "epoch")["sizes"])


def interrupted(folder: Path, hold: Hold) -> Interrupted:
    """Read what an interrupted run left, damage at its end mended.

    Raises
    ------
    GdexpError
        Where the journal is damaged in the middle, or holds no run.
    """
    words = [mend(folder)]
    start: Mapping[str, Any] | None = None
    last: Mapping[str, Any] = {}
    records, count = [], 0
    process: Mapping[str, str] = {}
    for record in Reader(folder).new():
        kind = record.get("kind")
        if kind in ("start", "resume"):
            process = record.get("tags", {})
        if kind in ("epoch", "look", "updates"):
            records.append(record)
        start, last, count = start or record, record, count + 1
    if start is None or start.get("kind") != "start":
        raise GdexpError(f"{folder}: its journal has no beginning; there is nothing to go on from.")
    found, more = _newest(folder, count)
    told = [word for word in [*words, *more] if word]
    left = Interrupted(folder, hold, start, count, records, last, process, found, told)
    with understood(folder):
        left.check()
    return left


def _newest(folder: Path, count: int) -> tuple[Checkpoint | None, list[str]]:
    """Give the latest checkpoint that can be used, and what is wrong with those after it."""
    words = []
    for path in checkpoint.listed(folder):
        try:
            found = checkpoint.read(path)
            behind = int(found.facts["journal"])
            _ = int(found.facts["counts"][0]), float(found.facts["elapsed"])
        except CheckpointError as error:
            words.append(f"{error}; going on from the one before")
            continue
        except DAMAGE:
            words.append(f"{path}: is no checkpoint of a run; going on from the one before")
            continue
        if behind <= count:
            return found, words
        words.append(f"{path}: the journal has lost what was before it; going on from an older one")
    return None, words
