"""How the result depends on the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass

from gdexp.comparison import Interval, Variant
from gdexp.report.measures import Measure

LEAST = 2  # learning rates that make a line


@dataclass(frozen=True)
class Line:
    """Configurations that differ in η alone, by growing η.

    Parameters
    ----------
    label : str
        What they have in common, of what differs among all.
    etas : list of float
    found : list of Interval
        Of each, the result over its seeds.
    """

    label: str
    etas: list[float]
    found: list[Interval]


def sensitivity(variants: Sequence[Variant], measure: Measure) -> list[Line]:
    """Find the configurations that differ in the learning rate alone.

    Parameters
    ----------
    variants : sequence of Variant
    measure : Measure

    Returns
    -------
    list of Line
        Those with two learning rates or more, in the order in which `variants` has them first.
    """
    lines: dict[tuple[tuple[str, str], ...], list[tuple[float, Variant]]] = {}
    for variant in variants:
        if (eta := _number(variant.settings.get("eta", ""))) is not None:
            rest = tuple((k, v) for k, v in variant.settings.items() if k != "eta")
            lines.setdefault(rest, []).append((eta, variant))
    return [
        _line(sorted(members, key=lambda each: each[0]), measure)
        for members in lines.values()
        if len({eta for eta, _ in members}) >= LEAST
    ]


def _line(members: Sequence[tuple[float, Variant]], measure: Measure) -> Line:
    found = [measure.interval(variant) for _, variant in members]
    return Line(_label(members[0][1]), [eta for eta, _ in members], found)


def _label(variant: Variant) -> str:
    """Give a variant's label without its learning rate."""
    words = [word for word in variant.label.split(" ") if not word.startswith("eta=")]
    return " ".join(words) or "all"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
