"""python -m gdexp runs: the runs that are stored, the latest first, with their short ids.

The beginning of an id, of four characters or more, stands for a run wherever one is named.

  python -m gdexp runs
  python -m gdexp runs --where "eta>=1 and outcome=ok" -n 50
  python -m gdexp runs --csv > runs.csv
"""

from collections.abc import Sequence

from gdexp.commands import forms
from gdexp.commands.words import Parser, open_reader
from gdexp.errors import GdexpError
from gdexp.stored import StoredRun, find, summary

MOST = 20


def main(words: Sequence[str]) -> int:
    """List runs, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        References to runs, or conditions on them; how many, and how they are written.

    Raises
    ------
    GdexpError
        Where there are none, or the store cannot be read.
    """
    given = _parser().read(words)
    if given.n is not None and given.n < 1:
        raise GdexpError(f"-n must be a whole number >= 1. Got {given.n}.")
    reader, experiment = open_reader(given)
    found = find(reader, given.runs, given.where, experiment)
    most = given.n or (len(found) if given.form else MOST)
    if given.form is None:
        from gdexp.tables.runs import print_runs

        print_runs(found[:most], len(found), experiment)
        return 0
    _write(found[:most], given.form)
    return 0


def _parser() -> Parser:
    parser = Parser("runs", __doc__ or "").with_runs()
    parser.add_argument(
        "-n", type=int, metavar="N", help=f"how many are listed: {MOST}, or all as csv or json"
    )
    forms.offer(parser, ("csv", "json"), "all that is known of each run")
    return parser


def _write(runs: Sequence[StoredRun], form: str) -> None:
    table = summary(runs).reset_index()
    if form == "csv":
        forms.write_csv(table)
    else:
        forms.write_json(forms.records(table))
