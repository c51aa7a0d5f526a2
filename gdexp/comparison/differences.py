"""In what two runs differ: aspect by aspect, and along their trajectories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gdexp.comparison.conventions import Course
from gdexp.comparison.parting import Gap, Parting, gaps, parting, shared
from gdexp.comparison.variants import DERIVED, counts
from gdexp.stored import History, StoredRun

if TYPE_CHECKING:
    import pandas

MOST = 5  # differing values that are told
BY_UPDATE = "by_update/"


@dataclass(frozen=True)
class Aspect:
    """One side of two runs: what differs in it.

    Parameters
    ----------
    title : str
    rows : list of (str, str, str)
        Name, and the value in either run; empty where all is the same.
    note : str
        What else is to be said, or what is the same.
    """

    title: str
    rows: list[tuple[str, str, str]]
    note: str = ""


def beside(title: str, one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> Aspect:
    """Lay two mappings side by side; None stands for what is not known of a run."""
    if one is None or other is None:
        unknown = [w for w, each in (("first", one), ("second", other)) if each is None]
        return Aspect(title, [], f"not known of the {' and the '.join(unknown)}")
    names = dict.fromkeys([*one, *other])
    rows = [
        (name, one.get(name, "-"), other.get(name, "-"))
        for name in names
        if one.get(name) != other.get(name)
    ]
    return Aspect(title, rows, "" if rows else _same(one))


def settings(one: StoredRun, other: StoredRun) -> list[Aspect]:
    """Lay the settings side by side: those that decide what is computed, and the others."""
    parts = [
        [
            {k: v for k, v in run.params.items() if k not in DERIVED and counts(k) == wanted}
            for run in (one, other)
        ]
        for wanted in (True, False)
    ]
    chosen, rest = beside("settings", *parts[0]), beside("where, and who looks on", *parts[1])
    note = "" if chosen.rows else "the same"
    if chosen.rows and _twins(one, other):
        note = "the same descent under two conventions"
    return [replace(chosen, note=note), *([rest] if rest.rows else [])]


def trajectories(one: History, other: History) -> Iterator[str]:
    """Tell, in sentences, where two runs part, and how far they are apart in the end."""
    for which, each in (("first", one), ("second", other)):
        if not each.whole:
            yield f"of the {which} run, what MLflow has is compared: {each.why}"
    both = shared(one.epochs, other.epochs)
    if not both:
        yield "they measured no epoch in common"
        return
    found = parting(one.epochs, other.epochs)
    if found is None:
        yield f"equal, bit by bit, in all that both measured: {_measured(both)}"
    else:
        yield from _apart(found, one, other, both[-1])
    ends = max(one.epochs), max(other.epochs)
    if ends[0] != ends[1]:
        yield f"the first run ends at epoch {ends[0]}, the second at epoch {ends[1]}"


def _apart(found: Parting, one: History, other: History, end: int) -> Iterator[str]:
    yield _parting(found)
    yield from map(_gap, found.gaps[:MOST])
    if end != found.at:
        yield f"at the last epoch that both measured, {end}:"
        last = gaps(one.epochs[end], other.epochs[end])
        yield from map(_gap, last[:MOST])
        if not last:
            yield "  equal again"


def by_update(points: "pandas.DataFrame", one: str, other: str) -> Iterator[str]:
    """Tell the first update at which curves that were logged by update differ, if there are any.

    Parameters
    ----------
    points : DataFrame
        As `gdexp.stored.Reader.histories` gives it, of both runs.
    one, other : str
        Their ids.
    """
    logged = points[points["metric"].str.startswith(BY_UPDATE)]
    found: list[dict[int, dict[str, float]]] = [{}, {}]
    columns = logged[["run", "metric", "step", "value"]]
    for run, name, step, value in columns.itertuples(index=False):
        found[run == other].setdefault(int(step), {})[name] = float(value)
    first = parting(*found)
    if first is not None:
        after = "" if first.last_equal is None else f", and equal at {first.last_equal}"
        yield f"by update: they differ at update {first.at:,}{after}"
        yield from (_gap(each) for each in first.gaps[:MOST])


def _twins(one: StoredRun, other: StoredRun) -> bool:
    a, b = Course.of(one), Course.of(other)
    if a is None or b is None or one.seed != other.seed:
        return False
    return a.setting == b.setting and a.rate("mean") == b.rate("mean")


def _same(values: Mapping[str, str]) -> str:
    if not values:
        return "nothing to compare"
    short = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"the same ({short})" if len(short) <= 100 else "the same"


def _measured(both: list[int]) -> str:
    if len(both) == 1:
        return f"epoch {both[0]}"
    return f"{len(both)} measurements, epochs {both[0]} to {both[-1]}"


def _parting(found: Parting) -> str:
    if found.last_equal is None:
        return f"different from the first measurement on, epoch {found.at}:"
    told = f"equal, bit by bit, to epoch {found.last_equal}; different at epoch {found.at}"
    if None in found.updates:
        return f"{told}:"
    first, last = (int(each or 0) for each in found.updates)
    return f"{told}, so they part between update {first + 1:,} and {last:,}:"


def _gap(gap: Gap) -> str:
    return f"  {gap.name:<15} {gap.one!r:<22} {gap.other!r:<22} apart {gap.absolute:.3g}"
