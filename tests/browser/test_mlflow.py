"""What a person sees of a sweep in MLflow's page, and whether it still keeps views in the same way.

All of a view is looked at on one page each, since opening one is what takes the time.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.cards import (
    HEADER,
    LINES,
    card,
    column,
    drawn,
    lists,
    opened,
    plotted,
    quiet,
    same,
    table,
    to_the_top,
)
from tests.browser.conftest import NAMED, Run, Shoot, Site

CURVES = ("val/accuracy", "train/cost_mean")  # of four: a chart takes seconds to be drawn
AXIS = "plot => [plot.layout.xaxis.title.text ?? plot.layout.xaxis.title, plot.layout.xaxis.type]"
MEANS = "plot => plot.data.filter(line => line.mode === 'lines+markers').map(line => [...line.y])"
BANDS = """plot => plot.data.filter(line => line.fill === 'tozeroy')
                    .map(band => band.y.filter(y => y !== null))"""
COLOURS = "lines => lines.map(line => getComputedStyle(line).stroke)"
BARS = "plot => plot.data.flatMap(bars => [...bars.x])"


def settings_are_there(page: Page) -> None:
    found = card(page, "Settings and results", "Parallel Coordinates")
    expect(found.locator(".parcoords .dimension")).to_have_count(11)


def test_compare_opens_on_the_overlaid_curves_of_all_runs(
    page: Page, site: Site, shoot: Shoot
) -> None:
    with quiet(page):
        opened(page, site.urls["compare"], 1600, 1480)
        lists(page, site.runs)
        for metric in CURVES:
            curves = drawn(card(page, "By epoch", metric))
            assert curves.keys() == {*NAMED}
            for run in site.runs:
                assert curves[run.name] == pytest.approx(run.curve(metric), rel=1e-6)
        lines = card(page, "By epoch", CURVES[0]).locator(LINES)
        assert len(set(lines.evaluate_all(COLOURS))) == len(NAMED) / 2, "seeds share one"
        settings_are_there(page)
        to_the_top(page)
        shoot(page, "views-compare")
        other_axes_are_there(page)
        bars_are_there(page, site.runs)
        differences_are_there(page)


def other_axes_are_there(page: Page) -> None:
    for section, metric, by in (
        ("By updates, both axes logarithmic", "by_update/train_cost", ["Step", "log"]),
        ("By examples", "val/accuracy", ["progress/examples", "linear"]),
    ):
        found = card(page, section, metric)
        assert drawn(found).keys() == {*NAMED}
        assert found.locator(".js-plotly-plot").evaluate(AXIS) == by


def bars_are_there(page: Page, runs: list[Run]) -> None:
    found = card(page, "Best and final accuracy", "best/val_accuracy")
    expect(found.locator(".bars .point")).to_have_count(len(runs))
    best = [[max(run.curve("val/accuracy"))] for run in runs]
    same([[bar] for bar in plotted(found, BARS, len(runs))], best)


def differences_are_there(page: Page) -> None:
    found = card(page, "What differs", "Runs difference view")
    for name in ("batch", "eta", "seed"):
        expect(found.get_by_text(name, exact=True)).to_be_visible()


def test_its_table_has_the_columns_that_matter(page: Page, site: Site, shoot: Shoot) -> None:
    with quiet(page):
        opened(page, site.urls["table"], 1860, 760)
        expect(column(page, "params.`seed`")).to_have_text(["1", "0"] * 6)
        expect(column(page, "params.`optimizer`")).to_have_text(["sgd"] * 12)
        labels = [f"m={m}" for m in (100, 10, 1) for _ in range(4)]
        expect(column(page, "params.`batch_label`")).to_have_text(labels)
        expect(column(page, "params.`eta`")).to_have_text(["3", "3", "0.3", "0.3"] * 3)
        expect(column(page, "params.`scaling`")).to_have_text(["mean"] * 12)
        expect(column(page, "params.`architecture.sizes`")).to_have_text(["64-30-10"] * 12)
        best = [repr(max(run.curve("val/accuracy"))) for run in reversed(site.runs)]
        expect(column(page, "metrics.`best/val_accuracy`")).to_have_text(best)
        for name in ("final/val_accuracy", "final/test_accuracy", "time/train_seconds"):
            expect(column(page, f"metrics.`{name}`")).to_have_text([re.compile(r"\d\.\d")] * 12)
        shoot(page, "views-table")


def curve_of(metric: str) -> Callable[[Run], list[float]]:
    return lambda run: run.curve(metric)


def band(at_each: list[tuple[float, ...]]) -> list[float]:
    """Give the outline of a band as it is drawn: the least from the end on, then the greatest."""
    return [*reversed([min(seeds) for seeds in at_each]), *(max(seeds) for seeds in at_each)]


def test_seeds_are_drawn_as_one(page: Page, site: Site, shoot: Shoot) -> None:
    pairs = [site.runs[at : at + 2] for at in range(0, len(site.runs), 2)]
    groups = [f"{run.name.removesuffix(' s=0')} epochs=6" for run, _ in pairs]
    with quiet(page):
        opened(page, site.urls["seeds"], 1600, 1060)
        for metric in CURVES:
            found = card(page, "By epoch: mean, least and greatest of the seeds", metric)
            for group in groups:
                expect(found).to_contain_text(f"{group} ({metric})")  # in its legend
            at_each = [[*zip(*map(curve_of(metric), pair), strict=True)] for pair in pairs]
            means = [[sum(seeds) / 2 for seeds in group] for group in at_each]
            same(plotted(found, MEANS, len(pairs)), means)
            same(plotted(found, BANDS, len(pairs)), [band(group) for group in at_each])
        to_the_top(page)
        shoot(page, "views-seeds")


def test_a_sweep_is_shown_by_its_settings(page: Page, site: Site, shoot: Shoot) -> None:
    with quiet(page):
        opened(page, site.urls["sweep"], 1600, 1190)
        for figure in ("best/val_accuracy", "time/train_seconds"):
            found = card(page, "Over batch and eta", f"eta vs. batch vs. {figure}")
            expect(found.locator(".contourlayer path").first).to_be_visible()
        settings_are_there(page)
        to_the_top(page)
        shoot(page, "views-sweep")
        assert drawn(card(page, "By epoch", "val/accuracy")).keys() == {*NAMED}


def test_a_sweep_has_a_run_of_its_own(page: Page, site: Site, shoot: Shoot) -> None:
    best = max(max(run.curve("val/accuracy")) for run in site.runs)
    with quiet(page):
        opened(page, site.run_page(site.runs[0].run_id), 1400, 1000)
        page.get_by_role("link", name="sweep of batch, eta, seed (12 jobs)").click()
        expect(
            page.get_by_text(re.compile(rf"^12 of 12 jobs .*{100 * best:.2f}%$"))
        ).to_be_visible()
        expect(page.get_by_text("python -m gdexp -m optimizer=sgd batch=1,10,100")).to_be_visible()
        expect(page.get_by_role("link", name=NAMED[-1])).to_be_visible()
        shoot(page, "views-parent")
        page.get_by_role("tab", name="Artifacts").click()
        page.get_by_text("jobs.json", exact=True).click()
        expect(page.get_by_role("columnheader", name="batch")).to_be_visible()
        shoot(page, "views-jobs")


@pytest.fixture
def middle(site: Site) -> Run:
    """The run with m = 10, and η and the seed as the menu has them."""
    (run,) = [run for run in site.runs if run.name == "sgd m=10 eta=3 s=0"]
    return run


def test_mlflows_own_page_lists_the_runs_with_their_data_and_the_views(
    page: Page, site: Site
) -> None:
    with quiet(page):
        page.goto(site.urls["plain"])
        lists(page, site.runs)
        expect(page.get_by_text("12 matching runs")).to_be_visible()
        assert [run.name for run in site.runs] == NAMED
        cells = column(page, "attributes.`Dataset`")
        expect(cells).to_have_count(12)
        for cell in cells.all():
            for part in ("train", "validation", "test"):
                expect(cell).to_contain_text(f"digits {part}")
        page.get_by_role("button", name="Views").click()
        for name in ("compare", "seeds grouped", "sweep"):
            expect(page.get_by_text(f"gdexp: {name}", exact=True)).to_be_visible()


def test_the_charts_stand_in_sections(page: Page, site: Site) -> None:
    opened(page, f"{site.urls['plain']}&compareRunsMode=CHART", 1400, 500)  # few are to be drawn
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
