"""The prepared views in MLflow's page: whether the way in which it keeps views is still the same.

All of a view is looked at on one page each, since opening one is what takes the time.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.browser.conftest import NAMED, Run, Shoot, Site
from tests.browser.test_mlflow_page import CARD, DRAWN, HEADER, LINES, column

OWN = [  # what the page writes to its console on any view, ours or not
    r"404 \(Not Found\).*/users/current",
    r"ResizeObserver loop completed",
    r"Error: <\w+> attribute \w+: .*NaN.* http://[\w.:]+/static-files/",  # axes before their data
]
CURVES = ("val/accuracy", "train/cost_mean")  # of four: a chart takes seconds to be drawn
AXIS = "plot => [plot.layout.xaxis.title.text ?? plot.layout.xaxis.title, plot.layout.xaxis.type]"
MEANS = "plot => plot.data.filter(line => line.mode === 'lines+markers').map(line => [...line.y])"
BANDS = """plot => plot.data.filter(line => line.fill === 'tozeroy')
                    .map(band => band.y.filter(y => y !== null))"""
COLOURS = "lines => lines.map(line => getComputedStyle(line).stroke)"
BARS = "plot => plot.data.flatMap(bars => [...bars.x])"
TO_IT = "header => header.scrollIntoView({block: 'center'})"  # clear of the search above


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
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url)


def card(page: Page, section: str, title: str) -> Locator:
    """Give a card by its title, below the title of its section."""
    header = page.get_by_test_id(HEADER).filter(has=page.get_by_text(section, exact=True))
    header.evaluate(TO_IT)  # what is far away is not there yet
    inside = page.locator("div").filter(has=header).filter(has=page.get_by_test_id(CARD)).last
    found = inside.get_by_test_id(CARD).filter(has=page.get_by_text(title, exact=True))
    found.evaluate(TO_IT)  # at once: a page that is still growing would never be still
    return found


def drawn(found: Locator) -> dict[str, Any]:
    """Give the lines of a chart by the names of their runs, once it has all of them."""
    expect(found.locator(LINES).nth(len(NAMED) - 1)).to_be_attached()
    return dict(found.locator(".js-plotly-plot").evaluate(DRAWN))


def same(found: list[list[float]], wanted: list[list[float]]) -> None:
    """Compare lines, in whatever order they are."""
    assert len(found) == len(wanted)
    for one, other in zip(sorted(found), sorted(wanted), strict=True):
        assert one == pytest.approx(other, rel=1e-6)


def settings_are_there(page: Page) -> None:
    found = card(page, "Settings and results", "Parallel Coordinates")
    expect(found.locator(".parcoords .dimension")).to_have_count(11)


def to_the_top(page: Page) -> None:
    page.get_by_test_id(HEADER).first.evaluate(TO_IT)


def test_compare_opens_on_the_overlaid_curves_of_all_runs(
    page: Page, site: Site, shoot: Shoot
) -> None:
    with quiet(page):
        opened(page, site.urls["compare"], 1600, 1480)
        for run in site.runs:
            expect(page.get_by_role("link", name=run.name, exact=True)).to_be_visible()
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
        ("By seconds of training", "train/cost_mean", ["progress/seconds", "linear"]),
    ):
        found = card(page, section, metric)
        assert drawn(found).keys() == {*NAMED}
        assert found.locator(".js-plotly-plot").evaluate(AXIS) == by


def bars_are_there(page: Page, runs: list[Run]) -> None:
    found = card(page, "Best and final accuracy", "best/val_accuracy")
    expect(found.locator(".bars .point")).to_have_count(len(runs))
    best = [[max(run.curve("val/accuracy"))] for run in runs]
    same([[bar] for bar in found.locator(".js-plotly-plot").evaluate(BARS)], best)


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
            plot = found.locator(".js-plotly-plot")
            same(plot.evaluate(MEANS), [[sum(seeds) / 2 for seeds in group] for group in at_each])
            same(plot.evaluate(BANDS), [band(group) for group in at_each])
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


def test_the_page_lists_the_views(page: Page, site: Site) -> None:
    with quiet(page):
        opened(page, site.urls["plain"], 1600, 1120)
        page.get_by_role("button", name="Views").click()
        for name in ("compare", "seeds grouped", "sweep"):
            expect(page.get_by_text(f"gdexp: {name}", exact=True)).to_be_visible()


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
