"""``python -m gdexp export``: runs as one file, which another store can take in."""

from collections.abc import Sequence
from pathlib import Path

from gdexp.commands.words import Parser, open_reader, tracking_of
from gdexp.errors import GdexpError
from gdexp.result import plural
from gdexp.stored import Reader, StoredRun, find

ABOUT = """\
Writes runs into one file: every point of their curves, parameters, tags, data sets, files and the
model, and the run of their sweep. python -m gdexp import takes it into another store. Without a
RUN, all runs of the experiment are meant; the whole id of a sweep stands for it and all its jobs.

  python -m gdexp export latest -o run.zip
  python -m gdexp export --where "optimizer=sgd and epochs>=10" -o sgd.zip
"""
PARENT = "mlflow.parentRunId"


def main(words: Sequence[str]) -> int:
    """Write runs into a file, say what is in it, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        As ``--help`` lists them.

    Raises
    ------
    GdexpError
        Where no run is found, one is going on, or the file is there or cannot be written.
    """
    parser = Parser("export", ABOUT).with_runs()
    parser.add_argument("-o", metavar="FILE", required=True, help="the file to be written")
    given = parser.read(words)
    path = Path(given.o).expanduser().absolute()
    if path.exists():
        raise GdexpError(f"-o: {path} is there already. Name another file, or remove it.")
    if not path.parent.is_dir():
        raise GdexpError(f"-o: {path.parent} is no folder. Make it, or name another file.")
    reader, experiment = open_reader(given)
    runs = _related(reader, find(reader, given.runs, given.where, experiment))
    from gdexp.archive.packing import Packer  # with MLflow, which takes seconds

    packer = Packer(str(tracking_of(given.store).uri), path)
    packer.pack(runs)
    sweeps = sum(run.tag("kind") == "sweep" for run in runs)
    files = plural(len(packer.files) - 2 * len(runs), "file")
    print(f"exported {count(len(runs) - sweeps, sweeps)} with {files}")
    print(f"archive  {path} ({path.stat().st_size / 1e6:.3g} MB)", flush=True)
    return 0


def _related(reader: Reader, runs: Sequence[StoredRun]) -> list[StoredRun]:
    """Add the jobs of sweeps that are named, and the sweeps of jobs."""
    found = {run.id: run for run in runs}
    if sweeps := {run.id for run in runs if run.tag("kind") == "sweep"}:
        found |= {run.id: run for run in reader.runs() if run.tags.get(PARENT) in sweeps}
    parents = dict.fromkeys(run.tags[PARENT] for run in found.values() if PARENT in run.tags)
    added = [reader.run(parent) for parent in parents if parent not in found]
    return [*(run for run in added if run is not None), *found.values()]


def count(runs: int, sweeps: int) -> str:
    """Count runs and sweeps."""
    return plural(runs, "run") + (f" and {plural(sweeps, 'sweep')}" if sweeps else "")
