"""The end of a study: its report, in the sweep's folder and with the sweep's run in MLflow."""

from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.stored import find, open_store
from gdexp.sweeps.plan import Plan
from gdexp.tracking import Tracking
from gdexp.tracking.attach import attach

NAME = "report"  # the folder, below that of the sweep


def write_report(plan: Plan, tracking: Tracking, run_id: str) -> Path:
    """Write the report of a study from what the store has of its runs, and add it there.

    Parameters
    ----------
    plan : Plan
        Of a study.
    tracking : Tracking
        Where its runs went.
    run_id : str
        The run of the sweep.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    GdexpError
        Where there is nothing to report, or it cannot be written or added.
    """
    if tracking.uri is None:
        raise GdexpError("runs are read from a store, and tracking=off has none")
    from gdexp import report  # with pandas and the rest, after the training

    assert plan.study is not None
    reader, experiment = open_store(tracking), str(tracking.experiment)
    page = report.write(
        reader,
        find(reader, [], f"sweep_id='{plan.id}'", experiment),
        plan.folder / NAME,
        title=plan.study.title,
        question=plan.study.question,
        uri=tracking.uri,
    )
    artifacts = Path(plan.jobs[0].outputs).absolute() / "artifacts"
    if trouble := attach(tracking, artifacts, experiment, run_id, page.parent):
        raise GdexpError(f"it is written, {page}, but not in MLflow: {trouble}")
    return page
