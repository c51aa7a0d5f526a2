"""What there is on MLflow's pages: tables, cards and charts, and how to get at them."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.browser.conftest import NAMED, PATIENCE, SHOWN, Run

CARD = "experiment-view-compare-runs-card"
HEADER = "experiment-view-compare-runs-section-header"
DRAWN = "plot => plot.data.map(trace => [trace.name, Array.from(trace.y)])"
LINES = ".scatterlayer .trace path.js-line"
TO_IT = "header => header.scrollIntoView({block: 'center'})"  # clear of the search above
AROUND = "xpath=ancestor::div[.//*[{}]][1]"  # at once: asked of every div, it takes seconds
LOW = 780  # pixels: all rows of the table are there
OWN = [  # what the page writes to its console on any view, ours or not
    r"404 \(Not Found\).*/users/current",
    r"ResizeObserver loop completed",
    r"Error: <\w+> attribute \w+: .*NaN.* http://[\w.:]+/static-files/",  # axes before their data
]


@contextmanager
def quiet(page: Page) -> Iterator[None]:
    """Have nothing written to the console of errors but what MLflow writes by itself."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            told.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", note)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield
    assert [each for each in told if not any(re.search(own, each) for own in OWN)] == []


def opened(page: Page, url: str, width: int, height: int) -> None:
    """Open a page in a window, lower than for a picture: what is below is not drawn."""
    page.set_viewport_size({"width": width, "height": height if SHOWN else min(height, LOW)})
    page.goto(url)


def lists(page: Page, runs: Sequence[Run]) -> None:
    """Have a page show all runs, each as a link."""
    for run in runs:
        named = re.compile(rf"^{re.escape(run.name)}$")
        expect(page.locator("a").filter(has_text=named)).to_be_visible()


def column(page: Page, name: str) -> Locator:
    """Give the cells of a column of the runs table."""
    return page.locator(f'[role="gridcell"][col-id="{name}"]')


def table(page: Page, title: str) -> Locator:
    """Give the rows of a table of the run's page."""
    search = page.get_by_placeholder(f"Search {title}")
    return search.locator(AROUND.format("@role='row'")).get_by_role("row")


def card(page: Page, section: str, title: str) -> Locator:
    """Give a card by its title, below the title of its section."""
    header = page.get_by_test_id(HEADER).filter(has=page.get_by_text(section, exact=True))
    header.evaluate(TO_IT)  # what is far away is not there yet
    inside = header.locator(AROUND.format(f"@data-testid='{CARD}'"))
    found = inside.get_by_test_id(CARD).filter(has=page.get_by_text(title, exact=True))
    found.evaluate(TO_IT)  # at once: a page that is still growing would never be still
    return found


def drawn(found: Locator) -> dict[str, Any]:
    """Give the lines of a chart by the names of their runs, once it has all of them."""
    expect(found.locator(LINES).nth(len(NAMED) - 1)).to_be_attached()
    return dict(found.locator(".js-plotly-plot").evaluate(DRAWN))


def plotted(found: Locator, script: str, count: int) -> list[Any]:
    """Give what a script reads of a chart, once that has as many as are wanted."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        read: list[Any] = found.locator(".js-plotly-plot").evaluate(script)
        if len(read) == count or time.monotonic() > until:
            return read
        found.page.wait_for_timeout(100)


def same(found: list[list[float]], wanted: list[list[float]]) -> None:
    """Compare lines, in whatever order they are."""
    assert len(found) == len(wanted)
    for one, other in zip(sorted(found), sorted(wanted), strict=True):
        assert one == pytest.approx(other, rel=1e-6)


def to_the_top(page: Page) -> None:
    """Scroll back, for a picture."""
    if SHOWN:
        page.get_by_test_id(HEADER).first.evaluate(TO_IT)
