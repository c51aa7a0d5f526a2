"""The figures of the page as plain data, for `page/page.js` to draw."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gdexp.comparison import Interval
from gdexp.labels import COLOURS
from gdexp.report.content import Content
from gdexp.report.curves import MOST_CURVES, as_json, brief, drawable
from gdexp.report.sensitivity import Line
from gdexp.report.surface import Surface

MOST_SHOWN = 12  # configurations whose curves are shown at first
MOST_ROWS = 30  # configurations in figures of a line each
MOST_LINES = 12
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
Json = dict[str, Any]


def data(content: Content) -> Json:
    """Lay out all figures, with numbers of five digits; those without data are left out."""
    drawn = {each.variant for each in content.curves}
    found = {
        "variants": [
            {
                "name": row.variant.label,
                "colour": row.colour,
                "dash": DASHES[at // len(COLOURS) % len(DASHES)],
                "drawn": at in drawn,
                "shown": at < MOST_SHOWN,
            }
            for at, row in enumerate(content.rows[:MOST_CURVES])
        ],
        "measure": content.measure.words,
        "percent": content.measure.higher,
        "parts": parts(content),
        "curves": as_json(content.curves),
        "best": _best(content),
        "lines": [_line(each, at) for at, each in enumerate(content.lines[:MOST_LINES])],
        "etas": sorted({eta for line in content.lines[:MOST_LINES] for eta in line.etas}),
        "target": _target(content),
        "surfaces": [_surface(each) for each in content.surfaces],
    }
    return {name: value for name, value in found.items() if value or name in ("percent", "curves")}


def parts(content: Content) -> list[str]:
    """Name the sets of examples of which there are curves, validation first."""
    names = {"val": "validation", "test": "test", "train": "training"}
    there = {name.split("/")[0] for kind in ("accuracy", "cost") for name in
             drawable(content.curves, kind)}  # fmt: skip
    return [words for part, words in names.items() if part in there]


def _best(content: Content) -> list[Json]:
    if len(content.rows) < 2:
        return []
    return [
        {
            "variant": at,
            "mean": _number(row.result.mean),
            "low": _number(row.result.low),
            "high": _number(row.result.high),
            "values": [_number(value) for value in row.values],
            "runs": [run.name for run in row.variant.runs],
        }
        for at, row in enumerate(content.rows[:MOST_ROWS])
    ]


def _line(line: Line, at: int) -> Json:
    return {
        "name": line.label,
        "colour": COLOURS[at % len(COLOURS)],
        "dash": DASHES[at // len(COLOURS) % len(DASHES)],
        "symbol": SYMBOLS[at % len(SYMBOLS)],
        "eta": line.etas,
        "mean": [_number(each.mean) for each in line.found],
        **_errors(line.found),
    }


def _errors(found: Sequence[Interval]) -> Mapping[str, list[float | None]]:
    if all(math.isnan(each.low) for each in found):
        return {}
    halves = [_number(each.half) for each in found]
    return {"up": halves, "down": halves}


def _target(content: Content) -> list[Json]:
    if content.target is None:
        return []
    return [
        {
            "variant": each.variant,
            "seeds": each.seeds,
            "reached": each.reached,
            "spent": {axis: brief(np.array(values)) for axis, values in each.spent.items()},
        }
        for each in content.target.arrivals[:MOST_ROWS]
    ]


def _surface(surface: Surface) -> Json:
    told = {
        "names": list(surface.names),
        "grid": [brief(each) for each in surface.grid],
        "paths": [
            {
                "variant": at,
                "points": [brief(point) for point in path],
                "cost": brief(surface.costs[at]),
            }
            for at, path in surface.paths.items()
        ],
    }
    if len(surface.names) == 1:
        low, high = np.nanmin(surface.cost), np.nanmax(surface.cost)
        margin = 0.05 * (high - low) or 1.0
        ends = brief(np.array([low - margin, high + margin]))
        return told | {"cost": brief(surface.cost), "range": ends}
    return told | {"shares": [[round(x, 3) if x == x else None for x in row] for row in
                              surface.shares.tolist()]}  # fmt: skip


def _number(value: float) -> float | None:
    return brief(np.array([value]))[0]
