"""scikit-learn's tables, against scikit-learn's own readers and its own scaler."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra.utils
import numpy as np
import pytest
from omegaconf import OmegaConf
from sklearn import datasets
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from gdexp.data import Dataset, Table, table
from gdexp.data.split import Split
from gdexp.errors import GdexpError, SettingError
from tests.data.conftest import CONF

ORACLES: dict[str, Callable[[], Any]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": lambda: datasets.load_diabetes(scaled=False),
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}


def whole(data: Dataset, what: str) -> Any:
    return np.concatenate([getattr(part, what) for part in data.parts.values()])


@pytest.mark.parametrize("name", ORACLES)
def test_same_as_scikit_learn(name: str) -> None:
    data, oracle = Table(name, scaling="none").load(), ORACLES[name]()
    order = np.concatenate(Split(0.15, 0.15, 0).deal(len(oracle.data)))
    np.testing.assert_array_equal(whole(data, "inputs"), oracle.data[order])
    np.testing.assert_array_equal(whole(data, "labels"), oracle.target[order])
    assert list(data.feature_names) == list(oracle.feature_names)
    assert list(data.class_names) == list(getattr(oracle, "target_names", []))
    assert data.classes == len(data.class_names)
    assert (data.shift, data.spread) == ((), ())


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize(
    ("scaling", "scaler"), [("standardize", StandardScaler), ("unit", MinMaxScaler)]
)
def test_scaled_as_scikit_learn_does_by_the_training_part(
    name: str, scaling: str, scaler: Any
) -> None:
    raw, data = Table(name, scaling="none").load(), Table(name, scaling=scaling).load()
    oracle = scaler().fit(raw.train.inputs)
    for part in ("train", "val", "test"):
        wanted = oracle.transform(raw.parts[part].inputs)
        np.testing.assert_allclose(data.parts[part].inputs, wanted, rtol=1e-9, atol=1e-12)
        back = data.parts[part].inputs * data.spread + data.shift
        np.testing.assert_allclose(back, raw.parts[part].inputs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ORACLES)
def test_option_makes_it(name: str) -> None:
    option = CONF / f"{name}.yaml"
    assert option.read_text().startswith("# ")
    assert hydra.utils.instantiate(OmegaConf.load(option)) == Table(name)


def test_a_regression_has_numbers_and_no_classes() -> None:
    data = Table("diabetes").load()
    assert data.classes == 0
    assert data.train.labels.dtype == np.float64
    assert (min(whole(data, "labels")), max(whole(data, "labels"))) == (25.0, 346.0)


def test_digest_is_stable() -> None:
    assert Table("iris", scaling="none").load().train.digest == "41cd51af7dee6c10b7824c7538fdba3b"


def test_start_is_light() -> None:
    script = (
        "import sys, gdexp.data as d; [d.Table(n).load() for n in ('iris', 'diabetes')];"
        "d.Houses().load(); heavy = {'sklearn', 'pandas', 'pyarrow', 'PIL', 'rich', 'filelock'};"
        "print(*(heavy & sys.modules.keys()))"
    )
    root, command = Path(__file__).parents[2], [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"name": "titanic"}, "name must be one of breast_cancer, diabetes, iris, wine."),
        ({"scaling": "big"}, "scaling must be one of standardize, unit, none. Got 'big'."),
        ({"test": 2}, "test must be a number in [0, 1). Got 2."),
    ],
)
def test_settings_that_are_not_allowed(how: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as error:
        Table(**{"name": "iris", **how})
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [("1,2,a,b\n1,x\n", "cannot be read: could not convert"), ("h\n1,2\n", "Got 1 x 2")],
)
def test_a_damaged_file(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "iris.csv"
    path.write_text(text)
    monkeypatch.setattr(table, "bundled", lambda *_: path)
    with pytest.raises(GdexpError, match=told) as error:
        Table("iris").load()
    assert str(error.value).startswith(str(path))
    assert str(error.value).endswith("Install scikit-learn again.")


def test_classes_need_a_validation_and_a_test_part() -> None:
    with pytest.raises(GdexpError, match=r"data\.test must be > 0"):
        Table("iris", test=0.0).load()
    assert list(Table("diabetes", validation=0.0, test=0.0).load().parts) == ["train"]
