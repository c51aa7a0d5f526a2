"""``python -m gdexp report``: runs compared on a page that can be shown to others."""

import re
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from gdexp.commands.words import Parser, open_reader, outputs_of, tracking_of
from gdexp.errors import GdexpError
from gdexp.stored import Reader, StoredRun, find
from gdexp.tracking.attach import attach

ABOUT = """\
Write a report on runs: index.html, one page that opens without a network, and report.md with
pictures. It tells what differs between the runs, what they reached (mean and 95 % interval over
seeds), curves on four axes, the influence of the learning rate, the time to a target, paths,
mistakes, conclusions with the rule of each, and what it takes to repeat every run. The same
runs give the same bytes.

  python -m gdexp report
  python -m gdexp report --where "optimizer=sgd and epochs>=10" -o outputs/reports/sgd
  python -m gdexp report latest latest~1 --question "Does momentum help?" --no-log
"""


def main(words: Sequence[str]) -> int:
    """Write a report, say where it is, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        As ``--help`` lists them.

    Raises
    ------
    GdexpError
        Where a word cannot be read, no run is found, none has finished, they share no figure, or
        the folder cannot be written.
    """
    given = _parser().read(words)
    reader, experiment = open_reader(given)

    from gdexp import report  # with NumPy, pandas and the rest: not for --help
    from gdexp.report.sweep import parent, study

    of = study(reader, experiment, given.study) if given.study else None
    runs = _runs(reader, given, experiment, of)
    selection = report.select(runs)
    sweep = of or parent(reader, runs)
    page = report.write(
        reader,
        runs,
        _folder(given, experiment),
        title=given.title or _title(given, experiment),
        question=given.question or (sweep.tag("question") if sweep else None) or "",
        uri=str(tracking_of(given.store).uri),
    )
    print(f"runs     {len(runs)} found, {len(selection.kept)} in it. {selection.why}".rstrip())
    print(f"page     {page}\ntext     {page.with_name('report.md')}\nopen     {page.as_uri()}")
    if sweep is not None and not given.no_log:
        _log(given, sweep, page.parent)
    return 0


def _parser() -> Parser:
    parser = Parser("report", ABOUT).with_runs()
    parser.add_argument("--study", metavar="NAME", help="the runs of the latest sweep of a study")
    parser.add_argument("--title", help="the report's title")
    parser.add_argument("--question", default="", help="what the runs are to answer")
    parser.add_argument(
        "-o", metavar="DIR", help="where to write; outputs/reports/NAME if not given"
    )
    parser.add_argument(
        "--no-log", action="store_true", help="do not add it to the run of the sweep in MLflow"
    )
    return parser


def _runs(
    reader: Reader, given: Namespace, experiment: str, of: StoredRun | None
) -> list[StoredRun]:
    """Find the runs that are meant; of a study, those of its sweep."""
    if of is None:
        return find(reader, given.runs, given.where, experiment)
    if given.runs:
        raise GdexpError("report: name runs or a --study, not both.")
    here = f"sweep_id='{of.tag('sweep_id')}'"
    return find(reader, [], f"{here} and {given.where}" if given.where else here, experiment)


def _title(given: Namespace, experiment: str) -> str:
    if given.study:
        return f"Study {given.study}"
    if given.runs:
        return f"Runs of experiment {experiment}: {', '.join(given.runs)}"
    return f"Runs of experiment {experiment}" + (f" where {given.where}" if given.where else "")


def _folder(given: Namespace, experiment: str) -> Path:
    """Give the folder that is named, or one whose name says what the report is on."""
    if given.o is not None:
        if not given.o:
            raise GdexpError("-o: must be a folder. Got nothing.")
        return Path(given.o).expanduser().absolute()
    words = [given.study or experiment, *given.runs, given.where]
    name = re.sub(r"[^\w.=~-]+", "-", " ".join(filter(None, words))).strip("-.")[:80]
    return outputs_of(given.store) / "reports" / (name or "report")


def _log(given: Namespace, sweep: StoredRun, folder: Path) -> None:
    """Add the report to the sweep's run, last, since importing MLflow takes seconds."""
    print("logging  to the run of the sweep in MLflow ...", end="\r", flush=True)
    tracking = tracking_of(given.store)
    artifacts = outputs_of(given.store) / "artifacts"
    trouble = attach(tracking, artifacts, sweep.experiment, sweep.id, folder)
    if trouble:
        raise GdexpError(f"report: it is written, but not in MLflow: {trouble}")
    print(f"logged   as report/ of run {sweep.id} ({shlex.quote(sweep.name)})")
