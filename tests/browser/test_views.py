"""The prepared views in MLflow's page: whether the way in which it keeps views is still the same.

All of a view is looked at on one page each, since opening one is what takes the time.
"""

import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.browser.conftest import Shoot, Site
from tests.browser.test_mlflow_page import CARD, DRAWN, HEADER, LINES, column
from tests.conftest import command

OWN = [  # what the page writes to its console on any view, ours or not
    r"404 \(Not Found\).*/users/current",
    r"ResizeObserver loop completed",
]


@pytest.fixture(scope="module")
def urls(site: Site, compared: list[str], swept: Path) -> dict[str, str]:
    """The pages that the command tells, by their names."""
    words = ("ui", f"tracking.uri={site.server}", "tracking.experiment=compared")
    ran = command(*words, outputs=swept, cwd=swept.parent)
    assert ran.returncode == 0, ran.stderr
    others = dict(line.split() for line in ran.stderr.splitlines())
    return {"compare": ran.stdout.strip(), **others}


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


def opened(page: Page, url: str, height: int = 1400) -> None:
    page.set_viewport_size({"width": 1600, "height": height})
    page.goto(url)


def card(page: Page, section: str, title: str) -> Locator:
    """Give a card by its title, below the title of its section."""
    header = page.get_by_test_id(HEADER).filter(has=page.get_by_text(section, exact=True))
    inside = page.locator("div").filter(has=header).filter(has=page.get_by_test_id(CARD)).last
    return inside.get_by_test_id(CARD).filter(has=page.get_by_text(title, exact=True))


def drawn(found: Locator) -> dict[str, Any]:
    """Give the lines of a chart by the names of their runs, once it has them."""
    found.scroll_into_view_if_needed()
    expect(found.locator(LINES).first).to_be_visible()
    return dict(found.locator(".js-plotly-plot").evaluate(DRAWN))


def test_compare_opens_on_the_overlaid_curves_of_all_runs(
    page: Page, urls: dict[str, str], compared: list[str], shoot: Shoot
) -> None:
    with quiet(page):
        opened(page, urls["compare"])
        for name in compared:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        for metric in ("val/accuracy", "train/cost_mean", "train/accuracy", "val/cost_mean"):
            curves = drawn(card(page, "By epoch", metric))
            assert curves.keys() == {*compared}
            assert {len(curve) for curve in curves.values()} == {7}
        settings = card(page, "Settings and results", "Parallel Coordinates")
        expect(settings.locator(".parcoords .dimension")).to_have_count(11)
        shoot(page, "views-compare")


def test_its_table_has_the_columns_that_matter(
    page: Page, urls: dict[str, str], compared: list[str], shoot: Shoot
) -> None:
    with quiet(page):
        opened(page, urls["table"], 760)
        expect(column(page, "params.`seed`")).to_have_text(["1", "0"] * 6)
        expect(column(page, "params.`optimizer`")).to_have_text(["sgd"] * 12)
        labels = [f"m={m}" for m in (100, 10, 1) for _ in range(4)]
        expect(column(page, "params.`batch_label`")).to_have_text(labels)
        expect(column(page, "params.`eta`")).to_have_text(["3", "3", "0.3", "0.3"] * 3)
        expect(column(page, "params.`scaling`")).to_have_text(["mean"] * 12)
        expect(column(page, "params.`architecture.sizes`")).to_have_text(["64-30-10"] * 12)
        for name in ("best/val_accuracy", "final/test_accuracy", "time/train_seconds"):
            expect(column(page, f"metrics.`{name}`")).to_have_text([re.compile(r"\d\.\d")] * 12)
        shoot(page, "views-table")


def test_a_sweep_is_shown_by_its_settings(page: Page, urls: dict[str, str], shoot: Shoot) -> None:
    with quiet(page):
        opened(page, urls["sweep"])
        for figure in ("best/val_accuracy", "time/train_seconds"):
            found = card(page, "Over batch and eta", f"eta vs. batch vs. {figure}")
            expect(found.locator(".contourlayer path").first).to_be_visible()
        settings = card(page, "Settings and results", "Parallel Coordinates")
        expect(settings.locator(".parcoords .dimension")).to_have_count(11)
        shoot(page, "views-sweep")


def test_the_page_lists_the_views(page: Page, urls: dict[str, str]) -> None:
    plain = urls["compare"].partition("&viewStateShareKey")[0]
    with quiet(page):
        opened(page, plain)
        page.get_by_role("button", name="Views").click()
        for name in ("compare", "seeds grouped", "sweep"):
            expect(page.get_by_text(f"gdexp: {name}", exact=True)).to_be_visible()
    assert urllib.parse.urlsplit(plain).fragment
