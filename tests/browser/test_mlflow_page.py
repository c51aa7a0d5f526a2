"""What a person sees of a sweep in MLflow's page."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NAMED, Run, Shoot, Site

CARD = "experiment-view-compare-runs-card"
HEADER = "experiment-view-compare-runs-section-header"
DRAWN = "plot => plot.data.map(trace => [trace.name, Array.from(trace.y)])"
SHOWN = 10  # runs, the newest, are drawn where no view asks for more
LINES = ".scatterlayer .trace path.js-line"


def column(page: Page, name: str) -> Locator:
    """Give the cells of a column of the runs table."""
    return page.locator(f'[role="gridcell"][col-id="{name}"]')


def open_charts(page: Page, site: Site, wanted: str) -> None:
    """Open the chart view with the charts of the metrics whose names fit."""
    page.goto(f"{site.urls['plain']}&compareRunsMode=CHART")
    expect(page.get_by_test_id(HEADER).first).to_be_visible()
    page.get_by_placeholder("Search metric charts").fill(wanted)


def chart(page: Page, metric: str) -> Locator:
    """Give the chart of a metric, once it has the lines of those runs."""
    title = page.get_by_text(metric, exact=True)
    card = page.get_by_test_id(CARD).filter(has=title)
    card.scroll_into_view_if_needed()
    expect(card.locator(LINES).nth(SHOWN - 1)).to_be_attached()
    return card


def table(page: Page, title: str) -> Locator:
    """Give the rows of a table of the run's page."""
    search = page.get_by_placeholder(f"Search {title}")
    box = page.locator("div").filter(has=search).filter(has=page.get_by_role("row")).last
    return box.get_by_role("row")


@pytest.fixture
def middle(site: Site) -> Run:
    """The run with m = 10, and η and the seed as the menu has them."""
    (run,) = [run for run in site.runs if run.name == "sgd m=10 eta=3 s=0"]
    return run


def test_the_table_lists_the_runs_by_name(page: Page, site: Site) -> None:
    page.goto(site.urls["plain"])
    for run in site.runs:
        expect(page.get_by_role("link", name=run.name, exact=True)).to_be_visible()
    expect(page.get_by_text("12 matching runs")).to_be_visible()
    assert [run.name for run in site.runs] == NAMED


def test_the_table_names_the_data_sets(page: Page, site: Site) -> None:
    page.goto(site.urls["plain"])
    cells = column(page, "attributes.`Dataset`")
    expect(cells).to_have_count(12)
    for cell in cells.all():
        expect(cell).to_contain_text("digits train")
        expect(cell).to_contain_text("digits validation")
        expect(cell).to_contain_text("digits test")


def test_parameters_and_figures_can_be_columns(page: Page, site: Site) -> None:
    page.goto(site.urls["plain"])
    # A menu that is opened before the runs are there is closed when they come.
    expect(page.get_by_text("12 matching runs")).to_be_visible()
    expect(column(page, "attributes.`Dataset`")).to_have_count(12)
    chosen = {"batch": "params", "eta": "params", "best/val_accuracy": "metrics"}
    for name, kind in chosen.items():
        page.get_by_role("button", name="Columns", exact=True).click()
        page.get_by_title(name, exact=True).click()
        page.keyboard.press("Escape")
        expect(column(page, f"{kind}.`{name}`")).to_have_count(12)
    expect(column(page, "params.`batch`")).to_have_text(
        [m for m in ("100", "10", "1") for _ in range(4)]
    )
    expect(column(page, "params.`eta`")).to_have_text(["3", "3", "0.3", "0.3"] * 3)
    best = [max(run.curve("val/accuracy")) for run in reversed(site.runs)]
    figures = [repr(accuracy) for accuracy in best]
    expect(column(page, "metrics.`best/val_accuracy`")).to_have_text(figures)


def test_one_chart_overlays_the_curves_of_the_runs(page: Page, site: Site) -> None:
    open_charts(page, site, "^(train|val)/")
    for metric in ("val/accuracy", "val/cost_mean", "train/accuracy", "train/cost_mean"):
        card = chart(page, metric)
        for run in site.runs[-SHOWN:]:
            expect(card).to_contain_text(f"{run.name} ({metric})")  # in its legend
        drawn: list[tuple[str, Any]] = card.locator(".js-plotly-plot").evaluate(DRAWN)
        curves = {run.name: run.curve(metric) for run in site.runs[-SHOWN:]}
        assert {name for name, _ in drawn} == set(curves)
        for name, y in drawn:
            assert y == pytest.approx(curves[name], rel=1e-6)


def test_the_curves_of_a_chart_differ_in_colour_but_for_seeds(page: Page, site: Site) -> None:
    open_charts(page, site, "^val/accuracy$")
    card = chart(page, "val/accuracy")
    for run in site.runs[-SHOWN:]:
        expect(card).to_contain_text(run.name)
    colours = card.locator(LINES).evaluate_all(
        "lines => lines.map(line => getComputedStyle(line).stroke)"
    )
    assert len(set(colours)) == SHOWN / 2, colours


def test_the_charts_stand_in_sections(page: Page, site: Site) -> None:
    open_charts(page, site, "")
    headers = page.get_by_test_id(HEADER)
    for section, charts in {"train": 3, "val": 3, "test": 3, "best": 3}.items():
        title = headers.filter(has=page.get_by_text(section, exact=True))
        expect(title).to_contain_text(f"({charts})")
    expect(headers.filter(has_text="Model metrics")).to_contain_text("(0)")  # none astray


def test_the_compare_page_sets_the_parameters_side_by_side(page: Page, site: Site) -> None:
    page.goto(site.compare_page())
    expect(page.get_by_text("Comparing 12 Runs from 1 Experiment")).to_be_visible()
    row = page.get_by_role("row").filter(has=page.get_by_text("batch", exact=True))
    expect(row.get_by_role("cell")).to_have_text([m for m in ("1", "10", "100") for _ in range(4)])


def test_a_runs_page_tells_its_result_first(
    page: Page, site: Site, middle: Run, shoot: Shoot
) -> None:
    page.goto(site.run_page(middle.run_id))
    assert re.match(r"test accuracy \d+\.\d\d%", middle.result)
    first = page.get_by_text(middle.result, exact=True)
    expect(first).to_be_visible()
    expect(
        page.get_by_text("python -m gdexp optimizer=sgd batch=10 eta=3 seed=0 epochs=6")
    ).to_be_visible()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_text("digits train")).to_be_visible()
    expect(table(page, "metrics").first).to_be_visible()
    shoot(page, "mlflow-run")


def test_a_runs_page_has_its_parameters_and_metrics(page: Page, site: Site, middle: Run) -> None:
    page.goto(site.urls["plain"])
    page.get_by_role("link", name=middle.name, exact=True).click()
    for name, value in {"batch": "10", "eta": "3", "architecture.sizes": "64-30-10"}.items():
        page.get_by_placeholder("Search parameters").fill(name)
        row = table(page, "parameters").filter(has=page.get_by_text(name, exact=True))
        expect(row).to_contain_text(value)
    page.get_by_placeholder("Search metrics").fill("final/val_accuracy")
    row = table(page, "metrics").filter(has=page.get_by_text("final/val_accuracy", exact=True))
    expect(row).to_contain_text(f"{middle.curve('val/accuracy')[-1]:g}")


def test_a_run_keeps_its_settings_and_its_model(page: Page, site: Site, middle: Run) -> None:
    page.goto(site.run_page(middle.run_id))
    page.get_by_role("tab", name="Artifacts").click()
    for name in ("model", "journal.jsonl", "history.csv", "environment.json", "command.txt"):
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    page.get_by_text("config", exact=True).click()
    page.get_by_text("resolved.yaml", exact=True).click()
    for line in ("batch: 10", "eta: 3", "_target_: gdexp.data.Digits"):
        expect(page.get_by_text(line).first).to_be_visible()
    page.get_by_text("model", exact=True).click()
    expect(page.get_by_text("MLmodel", exact=True)).to_be_visible()
