"""``python -m gdexp import``: the runs of an archive are brought into a store."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from gdexp.commands.export import count
from gdexp.commands.words import Parser, outputs_of, tracking_of
from gdexp.errors import GdexpError, SettingError
from gdexp.stored import StoredRun, open_store
from gdexp.tracking.settings import Tracking

ABOUT = """\
Brings the runs of a file that python -m gdexp export wrote into a store, each once: one that is
there already is left as it is. The file is checked as a whole before anything is written.

A run gets another id there, and keeps its own as the tag gdexp.imported_from.

  python -m gdexp import run.zip
  python -m gdexp import sgd.zip tracking.uri=http://127.0.0.1:5000 --experiment of-others
"""


def main(words: Sequence[str]) -> int:
    """Bring runs into a store, say which, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        As ``--help`` lists them.

    Raises
    ------
    GdexpError
        Where the file is no archive, or is damaged, or the store does not take it.
    """
    parser = Parser("import", ABOUT).with_store()
    parser.add_argument("file", metavar="FILE", help="what python -m gdexp export wrote")
    parser.add_argument("--experiment", help="into which they go; otherwise, as they were")
    given = parser.read(words)
    tracking, outputs = tracking_of(given.store), outputs_of(given.store)
    if tracking.uri is None:
        raise GdexpError("tracking.uri: must name a store.")
    from gdexp.archive import Archive
    from gdexp.archive.listing import named

    if given.experiment is not None and not named(given.experiment):
        raise SettingError("--experiment", "a name", given.experiment)
    tracking.check()
    with Archive(Path(given.file).expanduser().absolute()) as archive:
        _check_room(archive.total, outputs if tracking.database is not None else Path.cwd())
        there, half = _there(tracking)
        from gdexp.archive.unpacking import Unpacker, drop_unfinished  # with MLflow

        if half:
            drop_unfinished(tracking, half)
        unpacker = Unpacker(archive, tracking, outputs / "artifacts", there, given.experiment)
        new = [*unpacker.unpack()]
    sweeps, before = sum(run.sweep for run in new), len(archive.runs) - len(new)
    print(f"imported {count(len(new) - sweeps, sweeps)} into {tracking.shown}")
    if before:
        print(f"left     {before} that {'is' if before == 1 else 'are'} there already", flush=True)
    return 0


def _there(tracking: Tracking) -> tuple[dict[str, str], list[str]]:
    """Give the runs that a store has, by the ids that they had first; and those that are half."""
    if tracking.database is not None and not tracking.database.exists():
        return {}, []
    runs = [*open_store(tracking).runs()]
    half = [run.id for run in runs if run.tag("import")]
    return {_origin(run): run.id for run in runs if run.id not in half}, half


def _origin(run: StoredRun) -> str:
    return run.tag("imported_from") or run.id


def _check_room(needed: int, folder: Path) -> None:
    """Refuse what the disk does not hold."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        told = f"{needed / 1e6:,.0f} MB, and {there} has {free / 1e6:,.0f} MB"
        raise GdexpError(f"import: needs {told}. Make room.")
