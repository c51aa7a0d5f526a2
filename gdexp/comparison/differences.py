"""In what two runs differ: aspect by aspect, and along their trajectories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
        which = (
            "either"
            if one is None and other is None
            else "the first"
            if one is None
            else "the second"
        )
        return Aspect(title, [], f"not known of {which}")
    names = dict.fromkeys([*one, *other])
    rows = [
        (name, one.get(name, "-"), other.get(name, "-"))
        for name in names
        if one.get(name) != other.get(name)
    ]
    return Aspect(title, rows, "" if rows else _same(one))


def settings(one: StoredRun, other: StoredRun) -> list[Aspect]:
    """Lay the settings side by side: those that decide what is computed, and the others."""
    chosen, rest = (
        beside(
            title,
            *(
                {k: v for k, v in run.params.items() if k not in DERIVED and counts(k) == wanted}
                for run in (one, other)
            ),
        )
        for title, wanted in (("settings", True), ("where, by whom", False))
    )
    note = "the same"
    if chosen.rows and _twins(one, other):
        note = "the same descent under two conventions"
    told = Aspect(chosen.title, chosen.rows, note if not chosen.rows or "conv" in note else "")
    return [told, *([rest] if rest.rows else [])]


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
        yield f"equal, bit by bit, in all that both measured: {_measured(both)}{_longer(one, other)}"
        return
    yield _parting(found)
    yield from (_gap(each) for each in found.gaps[:MOST])
    if both[-1] != found.at:
        yield f"in the end, at epoch {both[-1]}:{_longer(one, other)}"
        last = gaps(one.epochs[both[-1]], other.epochs[both[-1]])
        yield from (_gap(each) for each in last[:MOST])
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
    for run, name, step, value in logged[["run", "metric", "step", "value"]].itertuples(
        index=False
    ):
        found[run == other].setdefault(int(step), {})[name] = float(value)
    first = parting(*found)
    if first is not None:
        after = "" if first.last_equal is None else f", and equal at {first.last_equal}"
        yield f"by update: they differ at update {first.at:,}{after}"
        yield from (_gap(each) for each in first.gaps[:MOST])


def _twins(one: StoredRun, other: StoredRun) -> bool:
    courses = Course.of(one), Course.of(other)
    a, b = courses
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


def _longer(one: History, other: History) -> str:
    ends = max(one.epochs), max(other.epochs)
    if ends[0] == ends[1]:
        return ""
    return f" (the first run has {ends[0]} epochs, the second {ends[1]})"


def _parting(found: Parting) -> str:
    if found.last_equal is None:
        return f"different from the first measurement on, epoch {found.at}:"
    between = ""
    if None not in found.updates:
        first, last = (int(each or 0) for each in found.updates)
        between = f", so they part between update {first + 1:,} and {last:,}"
    return (
        f"equal, bit by bit, to epoch {found.last_equal}; different at epoch {found.at}{between}:"
    )


def _gap(gap: Gap) -> str:
    return (
        f"  {gap.name}: {gap.one!r} and {gap.other!r}, apart by {gap.absolute:.3g} "
        f"({gap.relative:.2g} of it)"
    )
