"""All that a report says, before it is written as a page or as Markdown."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gdexp import stored
from gdexp.comparison import Interval, Variant
from gdexp.comparison.variants import common
from gdexp.labels import COLOURS
from gdexp.report.conclusions import Conclusion, Evidence, conclusions
from gdexp.report.curves import WANTED, Curve, curves
from gdexp.report.measures import Measure, beside
from gdexp.report.mistakes import Mistakes, mistakes
from gdexp.report.provenance import Provenance, provenance
from gdexp.report.selection import Selection
from gdexp.report.sensitivity import Line, sensitivity
from gdexp.report.surface import Surface, surfaces
from gdexp.report.target import Target, target
from gdexp.stored import Reader


@dataclass(frozen=True)
class Row:
    """A configuration in the tables.

    Parameters
    ----------
    variant : Variant
    colour : str
        As #rrggbb.
    result : Interval
        Of the figure that decides.
    values : sequence of float
        That figure of each seed.
    beside : sequence of (Measure, Interval)
        The other figures.
    outcomes : str
        How its runs ended, where not all are ok.
    """

    variant: Variant
    colour: str
    result: Interval
    values: Sequence[float]
    beside: Sequence[tuple[Measure, Interval]]
    outcomes: str


@dataclass(frozen=True)
class Content:
    """What a report says.

    Parameters
    ----------
    title, question : str
    selection : Selection
    rows : sequence of Row
        A configuration each, the best first.
    shared : mapping of str to str
        The settings that all runs have in common.
    curves : sequence of Curve
    lines : sequence of Line
    target : Target or None
    surfaces : sequence of Surface
    mistakes : sequence of Mistakes
    provenance : Provenance
    conclusions : sequence of Conclusion
    """

    title: str
    question: str
    selection: Selection
    rows: Sequence[Row]
    shared: Mapping[str, str]
    curves: Sequence[Curve]
    lines: Sequence[Line]
    target: Target | None
    surfaces: Sequence[Surface]
    mistakes: Sequence[Mistakes]
    provenance: Provenance
    conclusions: Sequence[Conclusion]

    @property
    def measure(self) -> Measure:
        """The figure that decides which is best."""
        return self.selection.measure

    @property
    def summary(self) -> str:
        """Count what the report is about."""
        runs, variants = len(self.selection.kept), len(self.rows)
        names = sorted({run.experiment for run in self.selection.kept})
        seeds = sorted({len(row.variant.runs) for row in self.rows})
        each = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        return (
            f"{runs} {'run' if runs == 1 else 'runs'}: {variants} "
            f"{'configuration' if variants == 1 else 'configurations'}, {each} "
            f"{'seed' if each == '1' else 'seeds'} each. "
            f"Experiment: {', '.join(names)}. {self.selection.why}"
        ).strip()


def gather(reader: Reader, selection: Selection, title: str, question: str, uri: str) -> Content:
    """Read and compute all that the report is to say.

    Parameters
    ----------
    reader : Reader
    selection : Selection
    title, question : str
    uri : str
        The store, from which files are read that are not on this machine.
    """
    variants, measure = selection.variants, selection.measure
    epochs = stored.epochs(reader, selection.kept, WANTED)
    lines = sensitivity(variants, measure)
    goal = target(epochs, variants, measure)
    evidence = Evidence(variants, measure, epochs, lines, goal)
    return Content(
        title=title,
        question=question,
        selection=selection,
        rows=_rows(selection),
        shared=common(selection.kept),
        curves=curves(epochs, variants),
        lines=lines,
        target=goal,
        surfaces=surfaces(reader, variants),
        mistakes=mistakes(variants, measure, uri),
        provenance=provenance(selection.kept, uri),
        conclusions=conclusions(evidence),
    )


def _rows(selection: Selection) -> list[Row]:
    others = beside(selection.kept, selection.measure)
    colours = _colours(selection.variants)
    return [
        Row(
            variant=variant,
            colour=colour,
            result=selection.measure.interval(variant),
            values=selection.measure.values(variant),
            beside=[(each, each.interval(variant)) for each in others],
            outcomes=_outcomes(variant),
        )
        for variant, colour in zip(selection.variants, colours, strict=True)
    ]


def _colours(variants: Sequence[Variant]) -> list[str]:
    """Give the colours that runs have in MLflow where these tell variants apart; else the palette.

    Those are strings from a store: what is no colour is not taken for one.
    """
    tagged = [{run.tags.get("mlflow.runColor", "") for run in each.runs} for each in variants]
    single = [colours.pop() for colours in tagged if len(colours) == 1]
    if len(set(single)) == len(variants) and all(
        re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in single
    ):
        return single
    return [COLOURS[at % len(COLOURS)] for at in range(len(variants))]


def _outcomes(variant: Variant) -> str:
    count = Counter(run.tag("outcome") or "unknown" for run in variant.runs)
    if set(count) == {"ok"}:
        return ""
    return ", ".join(
        f"{number} {outcome.replace('_', ' ')}" for outcome, number in sorted(count.items())
    )
