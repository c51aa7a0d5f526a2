"""python -m gdexp compare: what runs reached, beside one another.

Runs that differ in nothing but the seed are one variant: their mean stands there, with its 95 %
interval, and the difference from the best variant is tested, seed by seed where they share seeds.
Beside the best and the last value it is told what all had reached after the same number of
updates, of examples, and of seconds.

  python -m gdexp compare 3c35fc2e 94448273
  python -m gdexp compare --where "optimizer=sgd and eta>=1"
  python -m gdexp compare latest latest~1 --metric test/accuracy --each
  python -m gdexp compare --where "data=mnist" --csv > mnist.csv
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gdexp.commands import forms
from gdexp.commands.words import Parser, open_reader
from gdexp.comparison import REACHED, Comparison, by_run, by_variant, compare, findings, method
from gdexp.errors import GdexpError
from gdexp.stored import find

if TYPE_CHECKING:
    import pandas


def main(words: Sequence[str]) -> int:
    """Compare, print, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        References to runs, or conditions on them; what is compared, and how it is written.

    Raises
    ------
    GdexpError
        Where there are no such runs, less than two of them, or nothing to compare them by.
    """
    given = _parser().read(words)
    if not given.runs and not given.where:
        raise GdexpError(
            'compare: name runs, or conditions on them: --where "eta>=1"; '
            "python -m gdexp runs lists those that there are."
        )
    reader, experiment = open_reader(given)
    runs = find(reader, given.runs, given.where, experiment)
    if len(runs) < 2:
        raise GdexpError(f"compare: one run alone ({runs[0].id[:8]}) cannot be compared.")
    comparison = compare(reader, runs, given.metric, given.by)
    if given.form is None:
        from gdexp.tables.comparison import print_comparison

        found = findings(comparison, reader)
        print_comparison(comparison, found, method(comparison), each=given.each)
        return 0
    table = by_run(comparison) if given.each else by_variant(comparison)
    if given.form == "json":
        forms.write_json(_told(comparison, table, findings(comparison, reader)))
    elif given.form == "csv":
        forms.write_csv(table)
    else:
        forms.write_markdown(table)
    return 0


def _parser() -> Parser:
    parser = Parser("compare", __doc__ or "").with_runs()
    parser.add_argument("--metric", metavar="CURVE", help="by which curve, such as test/accuracy")
    parser.add_argument(
        "--by", choices=REACHED, default="best", help="by which value of it variants are tested"
    )
    parser.add_argument("--each", action="store_true", help="one row a run")
    forms.offer(parser, ("csv", "json", "markdown"), "the table")
    return parser


def _told(
    comparison: Comparison, table: "pandas.DataFrame", found: Sequence[str]
) -> dict[str, Any]:
    return {
        "metric": comparison.metric,
        "higher_is_better": comparison.higher,
        "by": comparison.by,
        "spent": comparison.budgets,
        "rows": forms.records(table),
        "findings": list(found),
        "method": method(comparison),
    }
