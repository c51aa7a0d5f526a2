"""A real browser, on a real MLflow server, over the store of a real sweep."""

import csv
import json
import os
import shutil
import signal
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests import nursery
from tests.conftest import FOREIGN, command
from tests.nursery import FIRST
from tests.report.conftest import kept, reader, runs, uri, written
from tests.servers import until

__all__ = ["kept", "reader", "runs", "uri", "written"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # it reaches our server alone
]
PATIENCE = 60_000  # ms: of a slow, shared machine
SIZE = ViewportSize(width=1400, height=1120)
SHOWN = os.environ.get("GDEXP_SCREENSHOTS")  # the folder for pictures of what is seen
# Whoever opens a page comes for the first time, has seen the panel that MLflow opens then over a
# quarter of it, and does not want to see anything move.
STRANGER = """
if (window === window.top && location.protocol.startsWith("http")) {
    localStorage.clear();
    localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
    localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
}
document.addEventListener("DOMContentLoaded", () => {
    const still = document.createElement("style");
    still.textContent = "* { animation: none !important; transition: none !important }";
    document.head.append(still);
});
"""

SWEEP = (
    "-m",
    "optimizer=sgd",
    "batch=1,10,100",
    "eta=0.3,3",
    "seed=0,1",
    "epochs=6",
    "launcher=basic",
)
NAMED = [
    f"sgd m={m} eta={eta} s={seed}" for m in (1, 10, 100) for eta in (0.3, 3) for seed in (0, 1)
]

Shoot = Callable[[Page, str], None]


@dataclass(frozen=True)
class Run:
    """A run of the sweep, as its own files tell it."""

    run_id: str
    name: str
    result: str
    history: list[dict[str, str]]

    def curve(self, metric: str) -> list[float]:
        """Give a metric after each epoch."""
        return [float(row[metric]) for row in self.history]


@dataclass(frozen=True)
class Site:
    """A server of MLflow: the pages that the command tells, and the runs that they are to show.

    Parameters
    ----------
    urls : dict of str to str
        By the names that ``view=`` takes.
    runs : list of Run
        In the order of the jobs.
    """

    urls: dict[str, str]
    runs: list[Run]

    @property
    def server(self) -> str:
        return self.urls["plain"].partition("/#/")[0]

    @property
    def experiment(self) -> str:
        return self.urls["plain"].partition("/experiments/")[2].partition("/")[0]

    def run_page(self, run_id: str) -> str:
        """Give the URL of a run's page, as the "Model training" side shows it."""
        place = f"{self.server}/#/experiments/{self.experiment}/runs/{run_id}"
        return f"{place}?workflowType=machine_learning"

    def compare_page(self) -> str:
        """Give the URL of the page that sets the runs side by side."""
        runs = json.dumps([run.run_id for run in self.runs])
        return f"{self.server}/#/compare-runs?" + urllib.parse.urlencode(
            {"runs": runs, "experiments": json.dumps([self.experiment])}
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program: CHROMIUM names it, else it is looked for."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        told = "not run: no Chromium; `make browser` installs it"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with a sweep in its store."""
    outputs = tmp_path_factory.mktemp("browser") / "outputs"
    ran = command(*SWEEP, outputs=outputs, cwd=outputs.parent)
    assert ran.returncode == 0, ran.stderr
    return outputs


@pytest.fixture(scope="session")
def site(chromium: str, swept: Path) -> Iterator[Site]:
    """The pages of the sweep, served by the command that a person would use."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    lend = "from tests import nursery; nursery.lend('gdexp.serving.process')"
    env = {**kept, "GDEXP_OUTPUTS": str(swept), FIRST: lend}
    process = nursery.start(["ui", f"port={port}"], swept.parent, env)
    try:
        urls = _told(process)
        plain = command(
            "ui",
            f"tracking.uri=http://127.0.0.1:{port}",
            "view=plain",
            outputs=swept,
            cwd=swept.parent,
        )
        urls["plain"] = plain.stdout.strip()
        server = urls["plain"].partition("/#/")[0]
        (sweep,) = swept.glob("sweeps/*/*")
        folders = [sweep / str(job) for job in range(len(NAMED))]
        yield Site(urls, [_run(server, folder) for folder in folders])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def _told(process: nursery.Started) -> dict[str, str]:
    """Read the URLs that the command tells: the first one, and then the others by their names."""
    until(lambda: "Ctrl-C" in process.said()[1] or process.poll() is not None, PATIENCE / 1000)
    first, said = process.said()
    assert first, said
    others = [line.split() for line in said.splitlines()]
    return {"compare": first.strip(), **{word[0]: word[1] for word in others if len(word) == 2}}


def _run(server: str, folder: Path) -> Run:
    run_id = json.loads((folder / "mlflow.json").read_text())["run_id"]
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{server}/api/2.0/mlflow/runs/get?run_id={run_id}") as answer:
        told: dict[str, Any] = json.load(answer)["run"]
    tags = {tag["key"]: tag["value"] for tag in told["data"]["tags"]}
    with (folder / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    result = tags["mlflow.note.content"].splitlines()[0]
    return Run(run_id, told["info"]["run_name"], result, history)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for all tests."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Who opens all pages of MLflow, so that their scripts are fetched and compiled once."""
    expect.set_options(timeout=PATIENCE)
    context = browser.new_context(viewport=SIZE, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.add_init_script(STRANGER)
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    """An empty page of a browser that remembers nothing of those before."""
    visitor.clear_cookies()
    opened = visitor.new_page()
    yield opened
    opened.close()


@pytest.fixture
def shoot() -> Shoot:
    """Keep a picture of what is seen, where that is asked for."""

    def keep(page: Page, name: str) -> None:
        if SHOWN:
            Path(SHOWN).mkdir(parents=True, exist_ok=True)
            page.mouse.move(0, 0)
            page.screenshot(path=Path(SHOWN) / f"{name}.png", animations="disabled", caret="hide")

    return keep
