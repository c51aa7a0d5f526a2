"""A report as a person opens it: from the disk, without a network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import PATIENCE, Shoot
from tests.report.conftest import QUESTION

DRAWN = "plot => plot.data.filter(trace => trace.mode === 'lines' && trace.hovertemplate)"


@pytest.fixture(params=[1280, 390])
def page(browser: Browser, written: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, opened from the disk; what goes wrong in it, or leaves it, fails the test."""
    expect.set_options(timeout=PATIENCE)
    report = (written / "index.html").as_uri()
    size = ViewportSize(width=request.param, height=900)
    context = browser.new_context(viewport=size, offline=True)
    trouble: list[str] = []
    opened = context.new_page()
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("request", lambda asked: trouble.append(asked.url))
    opened.goto(report)
    expect(opened.locator("body[data-drawn]")).to_be_attached()
    yield opened
    context.close()
    assert [each for each in trouble if not each.startswith(("data:", "blob:"))] == [report]


def test_it_reads_well_switches_its_axes_and_toggles_its_curves(page: Page, shoot: Shoot) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.get_by_text(QUESTION)).to_be_visible()
    shoot(page, f"report-{width}")

    chart = page.locator("#chart-accuracy")
    assert len(chart.evaluate(DRAWN)) == 4
    for axis, last in {"updates": 39, "examples": 3900, "epochs": 3}.items():
        page.get_by_role("radio", name=axis).first.check()
        ends = [trace["x"][-1] for trace in chart.evaluate(DRAWN)]
        assert min(ends) == last
    page.get_by_role("radio", name="seconds").first.check()
    expect(chart.locator(".xtitle")).to_have_text("seconds of training")
    page.get_by_role("radio", name="training").check()

    page.locator("#curves").evaluate("section => section.scrollIntoView()")
    shoot(page, f"report-curves-{width}")
    entry = page.locator("#curves .legend button").first
    expect(entry).to_have_attribute("aria-pressed", "true")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    assert len(chart.evaluate(DRAWN)) == 3
    entry.dblclick()
    assert len(chart.evaluate(DRAWN)) == 1
    page.get_by_role("button", name="show all").first.click()
    assert len(chart.evaluate(DRAWN)) == 4
    for chart_id in ("best", "lines", "target"):
        expect(page.locator(f"#chart-{chart_id} .plotly .main-svg").first).to_be_visible()
