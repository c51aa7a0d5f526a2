"""Journals and checkpoints: whether they are as they were written."""

from collections.abc import Iterator
from pathlib import Path

from gdexp.doctor.check import Check, Place
from gdexp.doctor.kept import Kept
from gdexp.doctor.standing import FIX, shortened
from gdexp.result import plural
from gdexp.tracking import checkpoint
from gdexp.tracking.checkpoint import CheckpointError
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, JournalError, Reader, mend, read_line


def journals(place: Place) -> Check:
    """Read every line of every journal."""
    damaged = [(each, why) for each in place.folders if (why := damage(each))]
    if not damaged:
        return Check("journals", f"{plural(len(place.folders), 'journal')}, whole")
    ends = [each for each, _ in damaged if torn(each)]
    told = f"{len(damaged)} of {plural(len(place.folders), 'journal')} damaged"
    advice = [f"{FIX} drops the torn end"] if ends else []
    if len(ends) < len(damaged):
        advice.append("bring back those damaged in the middle from a copy, or from their artifacts")
    return Check("journals", told, shortened([why for _, why in damaged]), "; ".join(advice))


def damage(kept: Kept) -> str:
    """Say what is wrong with a journal to which nobody writes; empty: nothing."""
    if kept.trained:
        return ""
    path = kept.folder / NAME
    try:
        for _ in Reader(kept.folder).new():
            pass
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 1))
            return f"{path}: its last line is torn" if file.read() not in (b"", b"\n") else ""
    except JournalError as error:
        return str(error)
    except OSError as error:
        return f"{path}: {error.strerror}"


def torn(kept: Kept) -> bool:
    """Whether a damaged journal has lost no more than its end."""
    try:
        lines = (kept.folder / NAME).read_bytes().splitlines(keepends=True)
    except OSError:
        return False
    whole = [_whole(line) for line in lines]
    return False in whole and True not in whole[whole.index(False) :]


def _whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and bool(read_line(line[:-1]))
    except ValueError:
        return False


def mended(place: Place) -> Iterator[str]:
    """Drop the torn ends of journals that nobody holds; tell of each."""
    for each in place.folders:
        if damage(each) and torn(each):
            try:
                hold = Hold(each.folder, RUN)
            except OSError as error:
                yield f"{each.folder}: not mended ({error.strerror or 'a process has it'})"
                continue
            yield mend(each.folder)
            hold.let_go()


def checkpoints(place: Place) -> Check:
    """Read the checkpoints of runs that can go on."""
    paths = [path for each in place.folders for path in checkpoint.listed(each.folder)]
    damaged = [path for path in paths if not _readable(path)]
    if not damaged:
        return Check("checkpoints", f"{plural(len(paths), 'checkpoint')}, whole")
    told = f"{len(damaged)} of {plural(len(paths), 'checkpoint')} damaged"
    lines = shortened([str(path) for path in damaged])
    return Check("checkpoints", told, lines, "remove them: resume takes the one before")


def _readable(path: Path) -> bool:
    try:
        checkpoint.read(path)
    except CheckpointError:
        return not path.exists()  # its run has gone on meanwhile
    return True
