"""The sweep, or the study, that runs are of: where their report belongs."""

from collections.abc import Sequence

from gdexp.errors import GdexpError
from gdexp.stored import Reader, StoredRun

KIND = "sweep"


def parent(reader: Reader, runs: Sequence[StoredRun]) -> StoredRun | None:
    """Give the run of the sweep that all of these are of; None where there is none."""
    ids = {(run.experiment, run.tag("sweep_id")) for run in runs}
    if len(ids) != 1 or (only := ids.pop())[1] is None:
        return None
    found = [run for run in _sweeps(reader, only[0]) if run.tag("sweep_id") == only[1]]
    return found[0] if found else None


def study(reader: Reader, experiment: str, name: str) -> StoredRun:
    """Give the run of the latest sweep of a study.

    Raises
    ------
    GdexpError
        Where the experiment has none.
    """
    sweeps = [run for run in _sweeps(reader, experiment) if run.tag("study")]
    found = [run for run in sweeps if run.tag("study") == name]
    if found:
        return found[0]  # the latest
    others = ", ".join(sorted({str(run.tag("study")) for run in sweeps})) or "none"
    raise GdexpError(
        f"--study: experiment {experiment!r} has no study {name!r}. There are: {others}."
    )


def _sweeps(reader: Reader, experiment: str) -> list[StoredRun]:
    return [run for run in reader.runs(experiment) if run.tag("kind") == KIND]
