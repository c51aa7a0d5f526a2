"""Confusion matrix, recall and mistakes against scikit-learn and by hand."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from gdexp.data import Dataset
from gdexp.descent import MiniBatch, Scaling, State, descent
from gdexp.diagnostics import Confusion, Weights
from gdexp.diagnostics.predictions import Predictions, predictions
from gdexp.diagnostics.sheets import sheet, signed
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.diagnostics.conftest import Show

CARD = re.compile(r"images/(\w+)\+step\+(\d+)\+timestamp\+(\d+)\+[0-9a-f-]{36}(\+compressed)?\.\w+")


@pytest.fixture(scope="module")
def trained(digits: Dataset) -> tuple[Network, State]:
    problem = Network(Architecture([20]), Quadratic(), digits)
    state = State.begin(problem, 0)
    for _ in descent(problem, MiniBatch(10), Scaling(), state, eta=3.0, epochs=3):
        pass
    return problem, state


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_counts_are_those_of_scikit_learn(part: str, trained: tuple[Network, State]) -> None:
    problem, state = trained
    examples = problem.dataset.parts[part]
    predicted = problem.outputs(state.v, examples.x(slice(0, len(examples)))).argmax(axis=1)
    seen = predictions(problem, state.v, part)
    np.testing.assert_array_equal(seen.confusion, confusion_matrix(examples.labels, predicted))
    assert np.trace(seen.confusion) == problem.measure(state.v)[part].correct


def test_the_table_has_recall_and_precision(
    trained: tuple[Network, State], show: Show, tmp_path: Path
) -> None:
    problem, state = trained
    sight = show(problem, state.v, 3)
    found = Confusion().look(sight)
    seen = predictions(problem, state.v, "val")
    recall = recall_score(seen.labels, seen.predicted, average=None)
    precision = precision_score(seen.labels, seen.predicted, average=None, zero_division=np.nan)
    assert found.metrics == pytest.approx({f"recall/{j}": r for j, r in enumerate(recall)})
    told = json.loads((tmp_path / "diagnostics" / "recall.json").read_text())
    rows = [dict(zip(told["columns"], row, strict=True)) for row in told["data"]]
    assert [row["recall"] for row in rows] == pytest.approx(recall)
    own = [np.nan if row["precision"] is None else row["precision"] for row in rows]
    assert own == pytest.approx(precision, nan_ok=True)
    Confusion().look(show(problem, state.v, 4))
    with (tmp_path / "diagnostics" / "recall.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["3"] * 10 + ["4"] * 10
    lines = (tmp_path / "diagnostics/confusion/epoch_0003.csv").read_text().splitlines()
    assert lines[0] == "class,0,1,2,3,4,5,6,7,8,9"
    counts = np.array([line.split(",")[1:] for line in lines[1:]], int)
    np.testing.assert_array_equal(counts, seen.confusion)


def test_images_have_the_names_that_make_cards(
    trained: tuple[Network, State], show: Show, tmp_path: Path
) -> None:
    problem, state = trained
    sight = show(problem, state.v, 5)
    files = [*Confusion().look(sight).files, *Weights().look(sight).files]
    cards = [found for name in files if (found := CARD.fullmatch(name))]
    assert [card[1] for card in cards] == ["confusion"] * 2 + ["mistakes"] * 2 + ["weights"] * 2
    assert {card[2] for card in cards} == {"5"}
    for card in cards:
        with Image.open(tmp_path / card[0]) as image:
            assert image.format == ("WEBP" if card[4] else "PNG")
            assert max(image.size) <= (256 if card[4] else 1200)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == set(files)


def test_the_names_are_those_that_mlflow_gives(tmp_path: Path) -> None:
    source = Path(__import__("mlflow").tracking.client.__file__).read_text()
    assert '{sanitized_key}+step+{step}+timestamp+{timestamp}+{filename_uuid}"' in source
    assert '{uncompressed_filename}+compressed"' in source


def test_the_worst_mistakes_come_first() -> None:
    labels, predicted = np.array([0, 1, 2, 1, 0]), np.array([0, 2, 2, 0, 1])
    seen = Predictions(labels, predicted, np.array([0, 0.3, 0, 0.9, 0.3]), 3)
    assert seen.worst(9).tolist() == [3, 1, 4]
    assert seen.worst(1).tolist() == [3]
    assert seen.confusion.tolist() == [[1, 1, 0], [1, 0, 1], [0, 0, 1]]


def test_only_pixels_are_drawn(show: Show) -> None:
    table = Network(Architecture([4]), Quadratic(), small_dataset(n_in=9))
    assert Weights().unfit(table) == "the inputs of these data are no images"
    files = Confusion().look(show(table, table.start(np.random.default_rng(1)))).files
    assert not [name for name in files if "mistakes" in name]


def test_signs_have_colours_and_tiles_their_places() -> None:
    tile = signed(np.array([[-1.0, 0.0], [0.5, 1.0]]), 1.0)
    assert tile[0].tolist() == [[0, 0, 255], [255, 255, 255]]
    assert tile[1].tolist() == [[255, 128, 128], [255, 0, 0]]
    drawn = sheet([tile] * 5)
    assert drawn.size == (3 * 88 + 4, 2 * 88 + 4)
    assert drawn.getpixel((4, 4)) == drawn.getpixel((4 + 88, 4 + 88)) == (0, 0, 255)
    assert drawn.getpixel((4 + 2 * 88, 4 + 88)) == (255, 255, 255)


def test_no_mistakes_no_sheet(show: Show) -> None:
    problem = Network(Architecture([]), Quadratic(), small_dataset())
    seen = show(problem, problem.start(np.random.default_rng(1)))
    assert Confusion(mistakes=0).look(seen).files
