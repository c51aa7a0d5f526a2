"""The saved views as tags: their form, when they are written, and that what they name is there."""

import base64
import json
import zlib
from typing import Any

import pytest

from gdexp.descent import MiniBatch, Scaling, State, descent
from gdexp.problems import Architecture, Network, Quadratic
from gdexp.tracking import by_update, names
from gdexp.views import MARK, PREFIX, VIEWS, View, missing
from tests.conftest import Command, small_dataset

LONGEST = 5000  # characters of an experiment's tag that every MLflow takes
NOW = 1_700_000_000_000


def unpacked(value: str) -> dict[str, Any]:
    """Read a state as the page does."""
    form, _, packed = value.partition(";")
    assert form == "deflate"
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    return state


def figures() -> set[str]:
    """Name all that a run of a network logs."""
    network = Network(Architecture([4]), Quadratic(), small_dataset())
    state = State.begin(network, seed=0)
    epochs = [*descent(network, MiniBatch(5), Scaling(), state, eta=1.0, epochs=1)]
    return {*names.of_epoch(epochs[-1]), *names.once(epochs, 1.0), *by_update.NAMES}


def test_a_view_is_named_where_the_page_has_a_menu_of_views() -> None:
    written = missing({}, "3.17.2", NOW)
    assert list(written) == [*(f"{PREFIX}{view.id}" for view in VIEWS.values()), MARK]
    for view in VIEWS.values():
        told = json.loads(written[f"{PREFIX}{view.id}"])
        assert (told["name"], told["createdAt"]) == (view.title, NOW)
        assert unpacked(told["state"]) == view.state()


def test_a_view_is_bare_for_a_page_that_knows_no_names() -> None:
    written = missing({}, "3.14.0", NOW)
    for view in VIEWS.values():
        assert unpacked(written[f"{PREFIX}{view.id}"]) == view.state()


@pytest.mark.parametrize("version", ["3.14.0", "3.15.0rc1", "3.17.2", "3.17.3.dev0"])
def test_what_is_there_is_not_written_again(version: str) -> None:
    written = missing({}, version, NOW)
    assert missing({**written, "mlflow.note.content": "mine"}, version, NOW + 1) == {}
    assert max(map(len, written.values())) < LONGEST


def test_a_view_that_a_person_changed_stays() -> None:
    written = missing({}, "3.17.2", NOW)
    changed = {key: "changed" if key != MARK else mark for key, mark in written.items()}
    assert missing(changed, "3.17.2", NOW) == {}


def test_what_is_gone_or_of_another_edition_is_written() -> None:
    written = missing({}, "3.17.2", NOW)
    gone = {key: value for key, value in written.items() if "seeds" not in key}
    assert missing(gone, "3.17.2", NOW) == written
    assert missing({**written, MARK: "other"}, "3.17.2", NOW) == written
    assert missing(written, "3.14.0", NOW).keys() == written.keys()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_card_stands_in_a_section_and_has_a_name_of_its_own(view: View) -> None:
    state = view.state()
    sections = {section["uuid"] for section in state["compareRunSections"]}
    cards = state["compareRunCharts"]
    assert {card["metricSectionId"] for card in cards} <= sections
    assert len({card["uuid"] for card in cards}) == len(cards)
    assert len({section["name"] for section in state["compareRunSections"]}) == len(sections)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_metrics_that_it_draws_are_logged(view: View) -> None:
    known = figures()
    for card in view.state()["compareRunCharts"]:
        named = {card.get("metricKey"), card.get("selectedXAxisMetricKey")}
        named |= {axis["key"] for axis in _axes(card, "METRIC")} | {
            *card.get("selectedMetrics", ())
        }
        assert named - {None, ""} <= known, card
    columns = [name for name in view.columns if name.startswith("metrics.")]
    assert {name.removeprefix("metrics.").strip("`") for name in columns} <= known


def test_the_parameters_that_they_name_are_logged(inside: Command, outputs: Any) -> None:
    ran = inside("tracking=off", "epochs=0")
    assert ran.returncode == 0, ran.stderr
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    start = json.loads(journal.read_text().splitlines()[0])
    for view in VIEWS.values():
        cards = view.state()["compareRunCharts"]
        drawn = {axis["key"] for card in cards for axis in _axes(card, "PARAM")}
        drawn |= {name for card in cards for name in card.get("selectedParams", ())}
        columns = [name for name in view.columns if name.startswith("params.")]
        drawn |= {name.removeprefix("params.").strip("`") for name in columns}
        assert drawn <= start["params"].keys()
        mode, _, name = view.group.partition(".")
        assert not view.group or name in start[mode]


def _axes(card: dict[str, Any], kind: str) -> list[dict[str, str]]:
    axes = [card[name] for name in ("xaxis", "yaxis", "zaxis") if name in card]
    return [axis for axis in axes if axis["type"] == kind]
