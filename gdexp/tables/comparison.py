"""The table of a comparison."""

import math
import re
import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from gdexp.comparison import AXES, Comparison, Difference, Interval, Variant
from gdexp.result import plural

NARROWEST = 80
Column = tuple[str, list[str]]  # its title, and its cells


def print_comparison(
    comparison: Comparison, told: Sequence[str], method: Sequence[str], *, each: bool
) -> None:
    """Tell what variants, or runs one by one, reached; then what is to be known of that.

    Parameters
    ----------
    comparison : Comparison
    told : sequence of str
        What was found, in words.
    method : sequence of str
        How the numbers came about.
    each : bool
        Whether there is one row a run.
    """
    console = Console(highlight=False)
    console.width = max(console.width, NARROWEST)
    console.print(f"\n[bold]{_title(comparison)}[/bold]\n")
    rows = _by_run(comparison) if each else _by_variant(comparison)
    for columns in _fitting(*rows, console.width):
        console.print(_table(columns))
        console.print()
    for line in [*told, *method]:
        print(textwrap.fill(line, console.width - 1, initial_indent="- ", subsequent_indent="  "))
    if told or method:
        print(flush=True)


def _title(comparison: Comparison) -> str:
    runs = plural(len(comparison.each), "run")
    of = plural(len(comparison.variants), "variant")
    better = "higher" if comparison.higher else "lower"
    return f"{runs} of {of} by {comparison.metric} ({better} is better){_common(comparison)}"


def _common(comparison: Comparison) -> str:
    """Say what all runs have in common, of what was written on the command line."""
    runs = [run for variant in comparison.variants for run in variant.runs]
    written = [set((run.tag("overrides") or "").split()) for run in runs]
    first = (runs[0].tag("overrides") or "").split()
    shared = [word for word in first if all(word in words for words in written)]
    kept = [word for word in shared if re.split("[.=]", word)[0] not in ("outputs", "tracking")]
    return f", all with {' '.join(kept)}" if kept and len(runs) > 1 else ""


def _by_variant(comparison: Comparison) -> tuple[list[Column], list[Column]]:
    """Give the columns of what was reached in the end, and those of what was at equal cost."""
    variants, tell = comparison.variants, _Figures(comparison.higher)

    def column(name: str) -> list[str]:
        return [tell.interval(comparison.intervals[v.key][name]) for v in variants]

    first: list[Column] = [
        ("variant", [variant.label for variant in variants]),
        ("n", [str(comparison.intervals[variant.key]["best"].n) for variant in variants]),
        *((name + tell.unit, column(name)) for name in ("best", "final")),
    ]
    if comparison.differences:
        found = [comparison.differences.get(variant.key) for variant in variants]
        first.append(("difference", [tell.difference(each) for each in found]))
        if any(each is not None and not math.isnan(each.p) for each in found):
            first.append(("p", [_chance(each) for each in found]))
    titles = _titles(comparison)
    seconds = [f"{comparison.intervals[v.key]['seconds'].mean:.3g}" for v in variants]
    then = [(titles[axis] + tell.unit, column(f"at_{axis}")) for axis in AXES]
    ended = _ended(comparison, variants)
    return first, [*then, ("train s", seconds), *([("ended", ended)] if any(ended) else [])]


def _by_run(comparison: Comparison) -> tuple[list[Column], list[Column]]:
    tell, rows = _Figures(comparison.higher), comparison.each
    runs = [(v, run) for v in comparison.variants for run in v.by_seed.values()]

    def column(name: str) -> list[str]:
        return [tell.value(float(rows.at[run.id, name])) for _, run in runs]

    first: list[Column] = [
        ("run", [run.id[:8] for _, run in runs]),
        ("variant", [variant.label for variant, _ in runs]),
        ("seed", [str(rows.at[run.id, "seed"]) for _, run in runs]),
        *((name + tell.unit, column(name)) for name in ("best", "final")),
    ]
    titles = _titles(comparison)
    then = [(titles[axis] + tell.unit, column(f"at_{axis}")) for axis in AXES]
    seconds = [f"{rows.at[run.id, 'seconds']:.3g}" for _, run in runs]
    ended = [(run.tag("outcome") or "?").replace("_", " ") for _, run in runs]
    return first, [*then, ("train s", seconds), ("ended", ended)]


def _titles(comparison: Comparison) -> dict[str, str]:
    spent = comparison.budgets
    return {
        "updates": f"at {spent['updates']:,.0f} updates",
        "examples": f"at {spent['examples']:,.0f} examples",
        "seconds": f"at {spent['seconds']:.3g} s",
    }


def _fitting(first: list[Column], then: list[Column], width: int) -> Iterator[list[Column]]:
    """Give one table where all columns fit, else two, each with the names of its rows."""
    if sum(_width(column) + 2 for column in first + then) <= width:
        yield first + then
        return
    names = [column for column in first if column[0] in ("run", "variant")]
    yield first
    yield [*(names[:1] if len(names) > 1 else names), *then]


def _width(column: Column) -> int:
    return max(map(len, [column[0].split(" at ")[0], *column[1]]), default=0)


def _table(columns: Sequence[Column]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, cells in columns:
        names = title in ("run", "variant", "ended")
        fixed = title not in ("variant", "ended")
        table.add_column(
            title,
            justify="left" if names else "right",
            no_wrap=False,
            min_width=max(map(len, cells), default=0) if fixed else None,
        )
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


class _Figures:
    """Writes accuracies in percent, and costs in four digits."""

    def __init__(self, share: bool) -> None:
        self._share, self.unit = share, ", %" if share else ""

    def value(self, value: float) -> str:
        """Write one value; a dash where there is none."""
        if math.isnan(value):
            return "-"
        return f"{100 * value:.2f}" if self._share else f"{value:.4g}"

    def interval(self, found: Interval) -> str:
        """Write a mean with half of its interval."""
        return self._with(found.mean, found.half)

    def difference(self, found: Difference | None) -> str:
        """Write a difference with its sign; "best" for the best itself."""
        if found is None:
            return "best"
        sign = "+" if found.mean > 0 else ""
        return sign + self._with(found.mean, (found.high - found.low) / 2)

    def _with(self, mean: float, half: float) -> str:
        if math.isnan(half):
            return self.value(mean)
        spread = f"{100 * half:.2f}" if self._share else f"{half:.2g}"
        return f"{self.value(mean)} ± {spread}"


def _chance(found: Difference | None) -> str:
    if found is None or math.isnan(found.p):
        return ""
    return "< 0.0001" if found.p < 1e-4 else f"{found.p:.2g}"


def _ended(comparison: Comparison, variants: Sequence[Variant]) -> list[str]:
    """Say how runs ended, where not all are well."""
    told = []
    for variant in variants:
        others = {k: n for k, n in comparison.outcomes(variant).items() if k != "ok"}
        told.append(
            ", ".join(f"{n} {name}" for name, n in sorted(others.items())).replace("_", " ")
        )
    return told
