"""The embedded digits, against scikit-learn's own reader."""

import gzip
import subprocess
import sys
from pathlib import Path

import hydra.utils
import numpy as np
import pytest
from omegaconf import OmegaConf
from sklearn.datasets import load_digits

from gdexp.data import Digits, bundled, digits
from gdexp.errors import GdexpError

CONF = Path(__file__).parents[2] / "conf" / "data"


def test_same_as_scikit_learn_in_file_order() -> None:
    data = Digits().load()
    oracle = load_digits()
    parts = list(data.parts.values())
    assert [len(part) for part in parts] == [1300, 247, 250]
    np.testing.assert_array_equal(np.concatenate([p.inputs for p in parts]), oracle.data)
    np.testing.assert_array_equal(np.concatenate([p.labels for p in parts]), oracle.target)
    np.testing.assert_array_equal(data.train.x(slice(9)), oracle.data[:9] / 16)


def test_held_as_bytes() -> None:
    data = Digits().load()
    assert (data.name, data.classes, data.n_in) == ("digits", 10, 64)
    for part in data.parts.values():
        assert part.inputs.dtype == part.labels.dtype == np.uint8
        assert part.scale == 16.0


def test_digest_is_stable() -> None:
    assert Digits().load().train.digest == "6098ebae3d181afec99661e9f1839c84"


def test_option_makes_it() -> None:
    option = CONF / "digits.yaml"
    assert option.read_text().startswith("# ")
    assert hydra.utils.instantiate(OmegaConf.load(option)) == Digits()


def test_start_is_light() -> None:
    script = (
        "import sys, gdexp.data as d; d.Digits().load();"
        "heavy = {'sklearn', 'pandas', 'rich', 'platformdirs', 'urllib.request', 'filelock'};"
        "print(*(heavy & sys.modules.keys()))"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "find_spec", lambda name: None)
    with pytest.raises(GdexpError, match=r"^data=digits needs scikit-learn\."):
        Digits().load()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"1,2", "cannot be read: Not a gzipped file"),
        (gzip.compress(b"1,2")[:-3], "cannot be read: Compressed file ended"),
        (gzip.compress(b"1,2\n3"), "cannot be read: the number of columns changed"),
        (gzip.compress(b"1,2\n3,4"), r"must hold a table of 1797 x 65\. Got 2 x 2\."),
    ],
    ids=["not gzip", "cut", "ragged", "small"],
)
def test_damaged_file(
    raw: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(raw)
    monkeypatch.setattr(digits, "bundled", lambda *_: path)
    with pytest.raises(GdexpError, match=said) as error:
        Digits().load()
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
