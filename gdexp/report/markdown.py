"""A report as Markdown, with pictures beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gdexp.report.content import Content
from gdexp.report.measures import NONE
from gdexp.report.notes import notes

LONGEST_FENCE = 3


def render(content: Content, pictures: Mapping[str, str]) -> str:
    """Write a report.

    Parameters
    ----------
    content : Content
    pictures : mapping of str to str
        By figure, the name of its file.
    """
    return "\n".join(_blocks(content, pictures)).rstrip("\n") + "\n"


def escaped(text: object) -> str:
    """Give a text that Markdown shows as it is, in a line or a cell of a table."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", line)


def fenced(lines: Iterable[str], language: str) -> list[str]:
    """Give lines as code, within a fence that none of them can close."""
    kept = [" ".join(line.split()) for line in lines]
    longest = max((len(run) for line in kept for run in re.findall("`+", line)), default=0)
    fence = "`" * max(LONGEST_FENCE, longest + 1)
    return [f"{fence}{language}", *kept, fence, ""]


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers: int = 0) -> list[str]:
    """Give a table, whose last columns, so many, are numbers."""
    words = len(head) - numbers
    rule = ["---"] * words + ["---:"] * numbers
    cells = [[escaped(cell) for cell in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:])]
    return [*lines, ""]


def _blocks(content: Content, pictures: Mapping[str, str]) -> Iterator[str]:
    told = notes(content)
    yield f"# {escaped(content.title)}\n"
    if content.question:
        yield f"**{escaped(content.question)}**\n"
    yield f"{escaped(content.summary)}\n"
    if content.conclusions:
        yield "## Conclusions\n"
        for each in content.conclusions:
            points = "".join(f"\n  - {escaped(point)}" for point in each.points)
            yield f"- {escaped(each.text)}{points}\n\n  *Rule:* {escaped(each.rule)}\n"
    yield from _results(content)
    yield from _figures(content, pictures, told)
    yield from _mistakes(content, pictures, told)
    yield from _configurations(content)
    yield from _provenance(content, told)


def _results(content: Content) -> Iterator[str]:
    measure = content.measure
    outcomes = any(row.outcomes for row in content.rows)
    yield "## Results\n"
    yield (
        f"By {measure.words}, the best first; ± is half the 95 % interval of the mean over seeds "
        "(Student's t).\n"
    )
    head = ["configuration", *(["outcome"] if outcomes else []), measure.words, "seeds"]
    head += [each.words for each, _ in content.rows[0].beside]
    rows = [
        [
            row.variant.label,
            *([row.outcomes or "ok"] if outcomes else []),
            measure.spread(row.result),
            len(row.variant.runs),
            *(each.spread(found) for each, found in row.beside),
        ]
        for row in content.rows
    ]
    yield from table(head, rows, 2 + len(content.rows[0].beside))


def _figures(
    content: Content, pictures: Mapping[str, str], told: Mapping[str, str]
) -> Iterator[str]:
    figures = {
        "accuracy": ("Accuracy", "curves"),
        "cost": ("Cost", "curves"),
        "best": ("Best per configuration, over seeds", "best"),
        "learning-rate": ("Sensitivity to the learning rate", "lines"),
        "target": (f"What it takes to reach {told.get('goal', '')}", "target"),
    }
    for name, (title, note) in figures.items():
        if name in pictures:
            yield f"## {escaped(title)}\n"
            yield f"![{escaped(title)}]({pictures[name]})\n"
            yield f"{escaped(told[note])}\n"
    if content.surfaces:
        yield "## Paths on the surface\n"
        for at, surface in enumerate(content.surfaces):
            yield f"![{escaped(surface.title)}]({pictures[f'surface-{at}']})\n"
        yield f"{escaped(told['surfaces'])}\n"


def _mistakes(
    content: Content, pictures: Mapping[str, str], told: Mapping[str, str]
) -> Iterator[str]:
    if not content.mistakes:
        return
    yield "## Confusion and mistakes\n"
    yield f"![Confusion matrices]({pictures['confusion']})\n"
    yield f"{escaped(told['mistakes'])}\n"
    for at, each in enumerate(content.mistakes):
        if f"mistakes-{at}" in pictures:
            yield f"The worst mistakes of {escaped(each.of)}: class, as what it was taken for.\n"
            yield f"![The worst mistakes]({pictures[f'mistakes-{at}']})\n"


def _configurations(content: Content) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in content.rows for name in row.variant.settings))
    yield "## Configurations\n"
    if columns:
        yield "What differs between them:\n"
        rows = [
            [row.variant.label, *(row.variant.settings.get(name, NONE) for name in columns)]
            for row in content.rows
        ]
        yield from table(["configuration", *columns], rows)
    yield "What all runs share:\n"
    yield from table(["setting", "value"], content.shared.items())


def _provenance(content: Content, told: Mapping[str, str]) -> Iterator[str]:
    found = content.provenance
    yield "## Provenance\n"
    rows = [(name, value) for name, values in found.facts.items() for value in values]
    yield from table(["", ""], rows)
    yield f"{escaped(told['provenance'])}\n"
    yield "The commands that repeat the runs:\n"
    lines = [
        line for run, command in found.commands for line in (f"# {run.name} ({run.id})", command)
    ]
    yield from fenced(lines, "sh")
