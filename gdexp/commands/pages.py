"""The pages of an experiment on an MLflow server, asked of it by its REST API."""

import json
import sys
import time
import urllib.error
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from gdexp.tracking.asking import ask, without_password
from gdexp.tracking.settings import masked
from gdexp.views import CREATED, TRAINED, VIEWS, missing

FIRST = "compare"
CHARTS, TABLE = "CHART", "TABLE"
PAGES: Mapping[str, tuple[str, str]] = {  # the saved view of each, and the side of it
    "compare": ("compare", CHARTS),
    "table": ("compare", TABLE),
    "seeds": ("seeds", CHARTS),
    "sweep": ("sweep", CHARTS),
}
PLAIN = "plain"  # MLflow's own page, with the same runs
WRONG = (OSError, ValueError, KeyError, TypeError)  # no answer, or not the one asked for


def tell(words: str) -> None:
    """Say what is not the URL: that alone goes to the standard output."""
    print(words, file=sys.stderr, flush=True)


def show(server: str, experiment: str | None, page: str) -> None:
    """Print the URL of a page, and tell those of the others.

    Parameters
    ----------
    server : str
        The server's URL, with the name and password that it may ask for.
    experiment : str or None
    page : str
        One of `PAGES`, or `PLAIN`. Where the views cannot be saved, MLflow's own takes its place;
        where the experiment is not there, the list of all experiments.
    """
    found = _experiment(server, experiment)
    shown = without_password(server)
    if found is None:
        tell(f"No experiment {experiment!r} is found there: the page lists those that are.")
        print(f"{shown}/#/experiments", flush=True)
        return
    why = _save(server, found)
    if why:
        tell(f"The prepared views cannot be saved ({why}): this is MLflow's own page.")
    urls = _urls(shown, found["experiment_id"])
    print(urls[PLAIN if why else page], flush=True)
    for name, url in urls.items():
        if not why and name not in (page, PLAIN):
            tell(f"{name:<8} {url}")


def _experiment(server: str, name: str | None) -> dict[str, Any] | None:
    """Give an experiment as the server describes it; None where it is not there, or deleted."""
    named = urllib.parse.quote(name or "", safe="")
    with suppress(*WRONG):
        answer = ask(f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name={named}")
        found: dict[str, Any] = json.loads(answer)["experiment"]
        if found["lifecycle_stage"] == "active":
            return found
    return None


def _save(server: str, experiment: Mapping[str, Any]) -> str:
    """Have the views saved with the experiment; say why not, where that fails."""
    try:
        present = {tag["key"]: tag["value"] for tag in experiment.get("tags", ())}
        version = ask(f"{server}/version").decode()
        for key, value in missing(present, version, round(time.time() * 1000)).items():
            tag = {"experiment_id": experiment["experiment_id"], "key": key, "value": value}
            ask(f"{server}/api/2.0/mlflow/experiments/set-experiment-tag", content=tag)
    except urllib.error.HTTPError as error:
        return f"the server answers {error.code} {error.reason}"
    except WRONG as error:
        return masked(getattr(error, "reason", error))
    return ""


def _urls(server: str, experiment_id: str) -> dict[str, str]:
    page = f"{server}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    saved = {
        name: f"{page}&viewStateShareKey={VIEWS[view].id}&compareRunsMode={side}"
        for name, (view, side) in PAGES.items()
    }
    asked = {"searchFilter": TRAINED, "orderByKey": CREATED, "orderByAsc": "false"}
    return {**saved, PLAIN: f"{page}&{urllib.parse.urlencode(asked, quote_via=urllib.parse.quote)}"}
