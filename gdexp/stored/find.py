"""From what a person writes to the runs that are meant."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.stored.reader import Reader
from gdexp.stored.run import StoredRun
from gdexp.stored.where import Where
from gdexp.tracking.tracked import tracked

KINDS = ("train",)
SHORTEST = 4  # characters of an id that may stand for the whole
HOW = "Write the id of a run or its beginning, its folder or name, or latest or latest~1."


def find(
    reader: Reader, references: Sequence[str], where: str, experiment: str | None
) -> list[StoredRun]:
    """Find the runs that are named one by one, or all that meet conditions.

    Parameters
    ----------
    reader : Reader
    references : sequence of str
        Ids or their beginnings, folders, names, ``latest`` or ``latest~N``; without any, all runs
        of the experiment are meant.
    where : str
        Conditions on them, as `Where` reads them.
    experiment : str or None
        The experiment in which is looked; None: all. An id, or a folder, may lead out of it.

    Returns
    -------
    list of StoredRun
        In the order of the references, each once; else the latest first.

    Raises
    ------
    GdexpError
        Where a reference means no run, or several; or where nothing is found.
    """
    conditions = Where(where)
    if not references:
        runs = _trained(reader.runs(_known(reader, experiment)))
        found = conditions.select(runs)
        if not found:
            raise GdexpError(_nothing(experiment, where, len(runs)))
        return found
    named = [find_one(reader, each, experiment) for each in references]
    return conditions.select({run.id: run for run in named}.values())


def find_one(reader: Reader, reference: str, experiment: str | None = None) -> StoredRun:
    """Find the run that a reference means; see `find`."""
    run_id = _id_of_folder(Path(reference)) or reference
    if re.fullmatch("[0-9a-f]{32}", run_id) and (run := reader.run(run_id)):
        return run
    runs = _trained(reader.runs(_known(reader, experiment)))
    if latest := re.fullmatch(r"latest(?:~(\d+))?", reference):
        back = int(latest[1] or 0)
        if back < len(runs):
            return runs[back]
        raise GdexpError(f"run {reference!r}: there are {len(runs)} runs. {HOW}")
    by_id = [run for run in runs if len(run_id) >= SHORTEST and run.id.startswith(run_id)]
    found = by_id or [run for run in runs if run.name == reference]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.id[:8] for run in found[:5])
        raise GdexpError(f"run {reference!r}: {len(found)} runs are meant ({ids}). Write an id.")
    inside = "the store" if experiment is None else f"experiment {experiment!r}"
    raise GdexpError(f"run {reference!r}: there is none such in {inside}. {HOW}")


def _trained(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return [run for run in runs if run.tag("kind") in KINDS]


def _known(reader: Reader, experiment: str | None) -> str | None:
    if experiment is not None and experiment not in (names := reader.experiments()):
        others = ", ".join(name for name in names if name != "Default") or "none"
        raise GdexpError(f"experiment {experiment!r} is not in the store. There are: {others}.")
    return experiment


def _id_of_folder(folder: Path) -> str | None:
    """Give the id under which the run of an output folder is tracked; None for another path."""
    if not (folder / "journal.jsonl").is_file():
        return None
    noted = tracked(folder)
    if noted is None:
        raise GdexpError(f"{folder}: the run of this folder is not tracked in a store.")
    return noted.run_id


def _nothing(experiment: str | None, where: str, count: int) -> str:
    inside = "the store" if experiment is None else f"experiment {experiment!r}"
    if not count:
        return f"{inside} has no runs. Run an experiment first: python -m gdexp"
    return f"--where: none of the {count} runs in {inside} meets {where!r}."
