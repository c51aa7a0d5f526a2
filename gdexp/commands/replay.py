"""``python -m gdexp replay``: a run again from its record, compared value by value."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gdexp import signals
from gdexp.commands.words import Parser, open_reader, outputs_of, tracking_of
from gdexp.complain import clear_away
from gdexp.errors import GdexpError
from gdexp.record import Record
from gdexp.replay import (
    Recorded,
    Status,
    Verdict,
    beyond,
    changed,
    checked_out,
    compared,
    of_journal,
    recorded,
    replayed,
)
from gdexp.replay import request as asked
from gdexp.request import Request
from gdexp.session import Session
from gdexp.stored import find_one
from gdexp.terminal import Progress
from gdexp.tracking import Reader, Tracking
from gdexp.tracking.environment import git
from gdexp.training import Watch, train

ABOUT = """\
Repeats a run from its record in MLflow alone, and compares every value that
it logged, bit for bit.

The configuration, seed and engine are those of the record; nothing of yours
is mixed in. The data are checked against the recorded digest before anything
is computed. The replay is written to a folder of its own, below
outputs/replays.
"""
MORE = """\
Settings: data.root=FOLDER (or GDEXP_DATA) or data.path=FILE, where the data
lie elsewhere now; outputs=..., tracking.uri=..., tracking.experiment=..., the
store.

Exit status: 0 bit-identical; 1 differs; 2 refused, such as a record that was
changed, or data that are not the recorded ones; 3 equal to rounding, in
another environment.

  python -m gdexp replay latest
  python -m gdexp replay 4625237d data.root=/data/mnist
"""
DATA = ("data.root", "data.path")
PLACES = ("--in-place", "--with-diff")


def main(words: Sequence[str]) -> int:
    """Replay a run, tell the verdict, and give the exit status: see `Status`."""
    try:
        return _replay(words)
    except GdexpError as error:
        print(error, file=sys.stderr)
        return Status.REFUSED


def _replay(words: Sequence[str]) -> int:
    data = dict(word.removeprefix("data.").split("=", 1) for word in words if _is_data(word))
    given = _parser().read([word for word in words if not _is_data(word)])
    if given.with_diff and not given.in_place:
        raise GdexpError("replay: --with-diff goes with --in-place.")
    reader, experiment = open_reader(given)
    store = tracking_of(given.store)
    run = find_one(reader, given.run, experiment)
    record = recorded(reader, run, str(store.uri))
    outputs = outputs_of(given.store)
    if given.in_place and _other_code(record):
        own = [run.id if word == given.run else word for word in words if word not in PLACES]
        with signals.raised(), checked_out(record, with_diff=given.with_diff) as tree:
            return replayed(tree, own, outputs)
    tracking = store if given.track else Tracking(None, None)
    verdict, folder = _carried_out(
        record, asked(record, outputs, tracking, {**_from_environment(record), **data}), outputs
    )
    _tell(verdict, folder)
    return verdict.status


def _other_code(record: Recorded) -> bool:
    here = git()
    return record.dirty or bool(here.get("dirty")) or record.commit != here.get("commit")


def _from_environment(record: Recorded) -> dict[str, str]:
    """Give what GDEXP_DATA says of where the data lie, where it means them."""
    node, root = record.config.get("data"), os.environ.get("GDEXP_DATA")
    return {"root": root} if isinstance(node, dict) and "root" in node and root else {}


def _is_data(word: str) -> bool:
    return word.partition("=")[0] in DATA and "=" in word


def _parser() -> Parser:
    parser = Parser("replay", ABOUT)
    parser.epilog = MORE
    parser.add_argument(
        "run",
        metavar="RUN",
        help="the run's id or its beginning, its output folder, its name, latest or latest~1",
    )
    parser.add_argument("--experiment", help="the experiment of MLflow in which to look")
    parser.add_argument(
        "--track", action="store_true", help="track the replay, too, tagged gdexp.replay_of"
    )
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="by the code of the recorded commit, where the code here is another",
    )
    parser.add_argument(
        "--with-diff",
        action="store_true",
        help="and with the record's uncommitted changes: code that you trust",
    )
    return parser


def _carried_out(record: Recorded, request: Request, outputs: Path) -> tuple[Verdict, Path]:
    """Train once more, and compare."""
    try:
        request.output.mkdir(parents=True)
        _train(request, outputs)
    except OSError as error:
        raise GdexpError(
            f"outputs: cannot write to {request.output} ({error.strerror}). "
            "Name another folder with outputs=FOLDER."
        ) from None
    finally:
        clear_away(request.output, outputs)
    now = of_journal(Reader(request.output).new())
    comparison = compared(record.values, now)
    told = json.loads((request.output / "environment.json").read_text())
    differing = changed(record, told, git().get("diff"))
    return Verdict(record, comparison, differing, beyond(record, now)), request.output


def _train(request: Request, outputs: Path) -> None:
    experiment, session = request.experiment, Session()
    feeder = session.feeder(experiment.tracking, outputs)
    unit = "epoch" if experiment.stream is None else "report"
    progress = Progress(experiment.reports, "replay: ", unit)

    def announce(record: Record) -> Watch:
        feeder.feed(request.output)
        progress.start()
        return progress.show

    try:
        with signals.raised():
            train(request, announce)
    finally:
        progress.stop()
        session.close()


def _tell(verdict: Verdict, folder: Path) -> None:
    run = verdict.record.run
    print(verdict)
    print()
    for where, words in verdict.reasons.items():
        for word in words:
            print(f"{where:<12} {word}")
            where = ""
    print(f"{'run':<12} {run.id[:8]} {printable(run.name)}")
    print(f"{'replay':<12} {folder}", flush=True)


def printable(text: str) -> str:
    """Leave out what would steer a terminal."""
    return "".join(each for each in text if each.isprintable())
