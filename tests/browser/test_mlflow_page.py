"""What a person sees of a sweep in MLflow's page."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NAMED, Run, Shoot, Site

CARD = "experiment-view-compare-runs-card"
HEADER = "experiment-view-compare-runs-section-header"
DRAWN = "plot => plot.data.map(trace => [trace.name, Array.from(trace.y)])"
LINES = ".scatterlayer .trace path.js-line"


def column(page: Page, name: str) -> Locator:
    """Give the cells of a column of the runs table."""
    return page.locator(f'[role="gridcell"][col-id="{name}"]')


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


def test_the_table_lists_the_runs_by_name_with_their_data(page: Page, site: Site) -> None:
    page.goto(site.urls["plain"])
    for run in site.runs:
        expect(page.get_by_role("link", name=run.name, exact=True)).to_be_visible()
    expect(page.get_by_text("12 matching runs")).to_be_visible()
    assert [run.name for run in site.runs] == NAMED
    cells = column(page, "attributes.`Dataset`")
    expect(cells).to_have_count(12)
    for cell in cells.all():
        for part in ("train", "validation", "test"):
            expect(cell).to_contain_text(f"digits {part}")


def test_the_charts_stand_in_sections(page: Page, site: Site) -> None:
    page.goto(f"{site.urls['plain']}&compareRunsMode=CHART")
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


def test_a_runs_page_tells_its_result_first_and_has_all_that_the_run_kept(
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
    parameters_and_metrics_are_there(page, middle)
    settings_and_model_are_there(page)


def parameters_and_metrics_are_there(page: Page, middle: Run) -> None:
    for name, value in {"batch": "10", "eta": "3", "architecture.sizes": "64-30-10"}.items():
        page.get_by_placeholder("Search parameters").fill(name)
        row = table(page, "parameters").filter(has=page.get_by_text(name, exact=True))
        expect(row).to_contain_text(value)
    page.get_by_placeholder("Search metrics").fill("final/val_accuracy")
    row = table(page, "metrics").filter(has=page.get_by_text("final/val_accuracy", exact=True))
    expect(row).to_contain_text(f"{middle.curve('val/accuracy')[-1]:g}")


def settings_and_model_are_there(page: Page) -> None:
    page.get_by_role("tab", name="Artifacts").click()
    for name in ("model", "journal.jsonl", "history.csv", "environment.json", "command.txt"):
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    page.get_by_text("config", exact=True).click()
    page.get_by_text("resolved.yaml", exact=True).click()
    for line in ("batch: 10", "eta: 3", "_target_: gdexp.data.Digits"):
        expect(page.get_by_text(line).first).to_be_visible()
    page.get_by_text("model", exact=True).click()
    expect(page.get_by_text("MLmodel", exact=True)).to_be_visible()
