"""MNIST: the real files as published, small stand-ins for everything that can go wrong."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra.utils
import numpy as np
import pytest
from numpy.typing import NDArray
from omegaconf import OmegaConf

from gdexp.data import Dataset, Mnist, mnist
from gdexp.errors import GdexpError, SettingError

CONF = Path(__file__).parents[2] / "conf" / "data"
Write = Callable[[NDArray[np.uint8]], bytes]
Small = dict[str, NDArray[np.uint8]]

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture(scope="session")
def real(mnist_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GDEXP_CACHE", str(tmp_path_factory.mktemp("cache")))
        first = Mnist(str(mnist_root), []).load()
        # What was parsed is never parsed again.
        patch.setattr(mnist, "read_idx", None)
        second = Mnist(str(mnist_root), []).load()
    for name, part in first.parts.items():
        assert second.parts[name].digest == part.digest
    return second


def test_real_shapes(real: Dataset) -> None:
    assert (real.name, real.classes, real.n_in) == ("mnist", 10, 784)
    assert {name: part.inputs.shape for name, part in real.parts.items()} == {
        "train": (50_000, 784),
        "val": (10_000, 784),
        "test": (10_000, 784),
    }
    for part in real.parts.values():
        assert len(part.labels) == len(part)
        assert part.inputs.dtype == part.labels.dtype == np.uint8
        assert part.x(slice(100)).max() == 1.0


def test_real_labels(real: Dataset) -> None:
    assert real.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = {name: np.bincount(part.labels).tolist() for name, part in real.parts.items()}
    assert counts == {
        "train": [4932, 5678, 4968, 5101, 4859, 4506, 4951, 5175, 4842, 4988],
        "val": [991, 1064, 990, 1030, 983, 915, 967, 1090, 1009, 961],
        "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    }


def test_real_digests_are_stable(real: Dataset) -> None:
    assert {name: part.digest for name, part in real.parts.items()} == {
        "train": "c3cff6f7dda8d032a17a92d1b2b7d6c3",
        "val": "277ad2e8eb50dc8a55f7ab37a820b2e6",
        "test": "0a0778a46f7cb628cc7d0d092f7c4f72",
    }


def test_smaller_files_are_split_in_proportion(small_root: Path, small: Small) -> None:
    data = Mnist(str(small_root), []).load()
    assert [len(part) for part in data.parts.values()] == [50, 10, 10]
    inputs = np.concatenate([data.train.inputs, data.validation.inputs])
    np.testing.assert_array_equal(inputs, small[TRAIN_IMAGES].reshape(60, 784))
    np.testing.assert_array_equal(data.validation.labels, small[TRAIN_LABELS][50:])
    np.testing.assert_array_equal(data.test.inputs, small[TEST_IMAGES].reshape(10, 784))
    assert data.source == str(small_root)


@pytest.mark.parametrize("name", ["train-images.idx3-ubyte", f"{TRAIN_IMAGES}.gz"])
def test_other_names(name: str, small_root: Path) -> None:
    known = Mnist(str(small_root), []).load()
    plain = small_root / TRAIN_IMAGES
    raw = plain.read_bytes()
    plain.unlink()
    (small_root / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert Mnist(str(small_root), []).load().train.digest == known.train.digest


def test_root_blank_or_null_is_the_cache_folder(cache: Path) -> None:
    for root in (None, "", " "):
        assert Mnist(root, []).folder == cache / "mnist"


def test_root_in_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Mnist("~/digits", []).folder == tmp_path / "digits"


def test_option_makes_it(small_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    option = CONF / "mnist.yaml"
    assert option.read_text().startswith("# ")
    made = hydra.utils.instantiate(OmegaConf.load(option))
    assert made.root is None
    assert isinstance(made.mirrors, tuple)
    assert len(made.mirrors) == 2
    monkeypatch.setenv("GDEXP_DATA", str(small_root))
    assert hydra.utils.instantiate(OmegaConf.load(option)).folder == small_root


@pytest.mark.parametrize(
    ("root", "mirrors", "setting"),
    [
        (3, [], "root"),
        (True, [], "root"),
        ("a\0b", [], "root"),
        (None, "https://one.example/", "mirrors"),
        (None, None, "mirrors"),
        (None, ["ftp://one.example/"], "mirrors"),
        (None, ["https://one.example/", 3], "mirrors"),
    ],
)
def test_settings(root: Any, mirrors: Any, setting: str) -> None:
    with pytest.raises(SettingError, match=f"^{setting} must be ") as error:
        Mnist(root, mirrors)
    assert error.value.setting == setting


def replace(root: Path, idx_bytes: Write, **arrays: Any) -> None:
    names = {
        "images": TRAIN_IMAGES,
        "labels": TRAIN_LABELS,
        "test_images": TEST_IMAGES,
        "test_labels": TEST_LABELS,
    }
    for key, array in arrays.items():
        (root / names[key]).write_bytes(idx_bytes(np.asarray(array, np.uint8)))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"labels": np.zeros(59)},
            f"{{root}}/{TRAIN_IMAGES} holds 60 images, but {{root}}/{TRAIN_LABELS} holds "
            "59 labels. Fetch both anew, from one place.",
        ),
        (
            {"test_labels": [0] * 7 + [10, 0, 11]},
            f"{{root}}/{TEST_LABELS} holds label 10 at position 7, expected 0 to 9. "
            "Fetch the file anew.",
        ),
        (
            {"images": np.zeros((60, 32, 28))},
            f"{{root}}/{TRAIN_IMAGES} holds images of 32 x 28 pixels, expected 28 x 28. "
            "Fetch the file anew.",
        ),
        (
            {"images": np.zeros((5, 28, 28)), "labels": np.zeros(5)},
            f"{{root}}/{TRAIN_IMAGES} holds 5 images, expected at least 6. Fetch the file anew.",
        ),
        (
            {"test_images": np.zeros((0, 28, 28)), "test_labels": np.zeros(0)},
            f"{{root}}/{TEST_IMAGES} holds 0 images, expected at least 1. Fetch the file anew.",
        ),
    ],
)
def test_files_that_do_not_fit(
    arrays: dict[str, Any], said: str, small_root: Path, idx_bytes: Write
) -> None:
    replace(small_root, idx_bytes, **arrays)
    with pytest.raises(GdexpError, match=f"^data.root: {re.escape(said.format(root=small_root))}$"):
        Mnist(str(small_root), []).load()


def test_swapped_files(small_root: Path) -> None:
    images, labels = small_root / TRAIN_IMAGES, small_root / TRAIN_LABELS
    raw = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(raw)
    with pytest.raises(GdexpError, match=r"Check that images and labels are not swapped\.$"):
        Mnist(str(small_root), []).load()
