"""A report as one HTML page that needs nothing else."""

import base64
import hashlib
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.report import charts
from gdexp.report.content import Content
from gdexp.report.curves import drawable
from gdexp.report.measures import NONE
from gdexp.report.notes import notes

HERE = Path(__file__).parent
AXES = ("epochs", "updates", "examples", "seconds")


def render(content: Content) -> str:
    """Write the page.

    All that comes from a store is escaped, by Jinja's rules for HTML and for JSON in scripts. A
    content security policy has the browser run these scripts alone, and fetch nothing.

    Raises
    ------
    GdexpError
        Where Plotly or Jinja is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise GdexpError(
            f"report: needs {error.name}, which is not installed. "
            "Run make, or pip install 'gdexp[report]'."
        ) from None
    plotly, script = get_plotlyjs(), _read("page.js")
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        c=content,
        notes=notes(content),
        policy=policy(plotly, script),
        style=_read("page.css"),
        script=script,
        plotly=deflated(plotly),
        **_structure(content),
    )


def policy(*scripts: str) -> str:
    """Give a content security policy under which these scripts run, and nothing is fetched."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'"
        for each in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data: blob:"
    )


@lru_cache(maxsize=1)  # Plotly's, which is the same for every report
def deflated(text: str) -> str:
    """Give a text deflated, in base64."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _structure(content: Content) -> dict[str, object]:
    """Say which parts the page has: those that there are data for."""
    data = charts.data(content)
    axes = [axis for axis in AXES if any(axis in each.x for each in content.curves)]
    spent = content.target.arrivals if content.target else []
    return {
        "charts": {
            **{name: name in data and bool(data[name]) for name in _CHARTS},
            "accuracy": bool(drawable(content.curves, "accuracy")),
            "cost": bool(drawable(content.curves, "cost")),
            "data": data,
        },
        "axes": axes,
        "target_axes": [axis for axis in AXES if any(each.spent.get(axis) for each in spent)],
        "parts": data.get("parts", []),
        "columns": list(
            dict.fromkeys(name for row in content.rows for name in row.variant.settings)
        ),
        "has_outcomes": any(row.outcomes for row in content.rows),
        "none_": NONE,
        "sections": list(_sections(content, data)),
    }


_CHARTS = ("curves", "best", "lines", "target", "surfaces")


def _sections(content: Content, data: charts.Json) -> Iterator[tuple[str, str]]:
    """Name the sections that there are, by their anchors."""
    if content.conclusions:
        yield "conclusions", "Conclusions"
    yield "results", "Results"
    named = {
        "curves": ("curves", "Curves"),
        "best": ("best", "Over seeds"),
        "lines": ("sensitivity", "Learning rate"),
        "target": ("target", "To a target"),
        "surfaces": ("surface", "Paths"),
    }
    yield from (named[name] for name in _CHARTS if data.get(name))
    if content.mistakes:
        yield "mistakes", "Mistakes"
    yield "configurations", "Configurations"
    yield "provenance", "Provenance"


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
