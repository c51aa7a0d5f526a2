"""Folders of images: MNIST as PNG files is MNIST, and what a broken folder is told."""

import csv
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra.utils
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image

from gdexp.data import Dataset, Images, Mnist, pixels
from gdexp.data import images as sources
from gdexp.data.pixels import read
from gdexp.data.progress import on_stderr
from gdexp.errors import GdexpError, SettingError
from tests.conftest import Command
from tests.data.conftest import CONF
from tests.samples import images

Pixels = NDArray[np.uint8]


def save(path: Path, pixels: Pixels, **how: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **how)


@pytest.fixture
def few(mnist: Dataset) -> dict[str, tuple[Pixels, Pixels]]:
    """The first images of real MNIST's parts, in the proportions that its reader splits by."""
    sizes = {"train": 500, "val": 100, "test": 80}
    return {
        name: (part.inputs[: sizes[name]], part.labels[: sizes[name]])
        for name, part in mnist.parts.items()
    }


@pytest.fixture
def pngs(few: dict[str, tuple[Pixels, Pixels]], tmp_path: Path) -> Path:
    folder = tmp_path / "pngs"
    for part, (inputs, labels) in few.items():
        for at, (image, label) in enumerate(zip(inputs, labels, strict=True)):
            name = f"{'validation' if part == 'val' else part}/{label}/{at:05}.png"
            save(folder / name, image.reshape(28, 28))
    return folder


@pytest.fixture
def idx(
    few: dict[str, tuple[Pixels, Pixels]],
    tmp_path: Path,
    idx_bytes: Callable[[Pixels], bytes],
) -> Path:
    folder = tmp_path / "idx"
    folder.mkdir()
    (x, y), (more_x, more_y), (test_x, test_y) = few.values()
    for name, array in {
        "train-images-idx3-ubyte": np.concatenate([x, more_x]).reshape(-1, 28, 28),
        "train-labels-idx1-ubyte": np.concatenate([y, more_y]),
        "t10k-images-idx3-ubyte": test_x.reshape(-1, 28, 28),
        "t10k-labels-idx1-ubyte": test_y,
    }.items():
        (folder / name).write_bytes(idx_bytes(array))
    return folder


def test_mnist_as_png_files_is_mnist(pngs: Path, idx: Path) -> None:
    for again in (False, True):  # read, and then from the cache
        one, other = Images(str(pngs)).load(), Mnist(str(idx), ()).load()
        assert (one.classes, one.n_in, one.image_shape) == (10, 784, other.image_shape)
        assert one.class_names == tuple("0123456789")
        for part in ("train", "val", "test"):
            ours, theirs = one.parts[part], other.parts[part]
            np.testing.assert_array_equal(ours.inputs, theirs.inputs)
            np.testing.assert_array_equal(ours.labels, theirs.labels)
            assert ours.digest == theirs.digest, again


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_and_gives_the_same_curve_to_the_bit(
    engine: str, pngs: Path, idx: Path, gdexp: Command, outputs: Path
) -> None:
    words = ["epochs=3", f"engine={engine}", "tracking=off"]
    for data in (f"data=images data.path={pngs}", f"data=mnist data.root={idx}"):
        ran = gdexp(*data.split(), *words)
        assert ran.returncode == 0, ran.stderr
    one, other = sorted(outputs.glob("runs/*/*"))
    assert curve(one) == curve(other)
    first, second = (np.load(run / "model.npz") for run in (one, other))
    assert set(first) == set(second)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def curve(run: Path) -> list[dict[str, str]]:
    """Every figure of every epoch of a run, but the time that it took."""
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    return [{name: row[name] for name in row if "seconds" not in name} for row in rows]


def folder_of(tmp_path: Path, n: int = 20) -> Path:
    """A folder of two classes, dark and light."""
    return images(tmp_path / "shades", n)


def test_images_are_dealt_out_by_shares_and_seed(tmp_path: Path) -> None:
    folder = str(folder_of(tmp_path))
    data = Images(folder, size=6, validation=0.2, test=0.1).load()
    assert (data.name, data.class_names) == ("shades", ("dark", "light"))
    assert [len(part) for part in data.parts.values()] == [28, 8, 4]
    for part in data.parts.values():
        np.testing.assert_array_equal(part.labels, part.inputs.min(axis=1) >= 128)
        assert part.scale == 255.0
        assert part.inputs.dtype == part.labels.dtype == np.uint8
    digests = [Images(folder, split_seed=seed).load().train.digest for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_resized_in_grey_or_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 200
    save(path, red)
    assert read(path, (10, 12), "rgb").shape == (10, 12, 3)
    np.testing.assert_array_equal(read(path, (10, 12), "rgb"), np.full((10, 12, 3), (200, 0, 0)))
    np.testing.assert_array_equal(read(path, (10, 12), "grey"), np.full((10, 12), 60))
    halves = np.zeros((2, 4), np.uint8)
    halves[:, 2:] = 200
    save(path, halves)
    np.testing.assert_array_equal(read(path, (1, 2), "grey")[0] > 100, [False, True])


def test_flattened_row_by_row_with_colours_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 2, 3, 3), np.uint8)
    for part in ("train", "validation", "test"):
        for at, image in enumerate(images):
            save(tmp_path / "own" / part / "ab"[at % 2] / f"{at}.png", image)
    data = Images(str(tmp_path / "own"), size=[2, 3], channels="rgb").load()
    assert data.image_shape == (2, 3, 3)
    np.testing.assert_array_equal(data.test.inputs, images.reshape(8, 18))


@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "tiff", "webp", "ppm", "jpg"])
def test_formats(kind: str, tmp_path: Path) -> None:
    losses: dict[str, dict[str, Any]] = {"jpg": {"quality": 100}, "webp": {"lossless": True}}
    how = losses.get(kind, {})
    pixels = np.full((9, 9), 77, np.uint8)
    save(tmp_path / f"a.{kind}", pixels, **how)
    np.testing.assert_allclose(read(tmp_path / f"a.{kind}", (9, 9), "grey"), pixels, atol=1)


def test_transparent_parts_are_white_and_photos_upright(tmp_path: Path) -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[0, :, 3] = 255  # a black line at the top, the rest transparent
    save(tmp_path / "clear.png", clear)
    got = read(tmp_path / "clear.png", (4, 4), "grey")
    np.testing.assert_array_equal(got, np.repeat([[0], [255], [255], [255]], 4, axis=1))
    exif = Image.Exif()
    exif[0x0112] = 3  # held upside down
    save(tmp_path / "turned.png", got, exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "turned.png", (4, 4), "grey"), got[::-1])


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "light").rename(folder / "train")
    assert Images(str(folder)).load().class_names == ("dark", "train")


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    for name in ("0", "2", "10"):
        for at in range(9):
            save(tmp_path / "n" / name / f"{at}.png", np.full((2, 2), at, np.uint8))
    data = Images(str(tmp_path / "n"), size=2).load()
    assert data.class_names == ("0", "2", "10")


def bomb(side: int) -> bytes:
    """Make a PNG file that says it has side x side pixels, and packs a few."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        sum_of = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + sum_of

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def damaged() -> dict[str, tuple[bytes, str]]:
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(
        whole, "PNG"
    )
    deep = io.BytesIO()
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(deep, "PNG")
    return {
        "notes.png": (b"these are notes", "no image of a known format"),
        "empty.png": (b"", "no image of a known format"),
        "cut.png": (whole.getvalue()[:1500], ""),
        "bomb.png": (bomb(10_000), "has 10,000 x 10,000 pixels, more than 50,000,000"),
        "large_bomb.png": (bomb(60_000), "pixels"),
        "deep.png": (deep.getvalue(), "has more than 8 bits a pixel"),
        "drawing.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
    }


@pytest.mark.parametrize("name", damaged())
def test_a_file_that_is_no_image(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    content, told = damaged()[name]
    (folder / "dark" / name).write_bytes(content)
    with pytest.raises(GdexpError) as error:
        Images(str(folder)).load()
    said = str(error.value)
    assert said.startswith(f"1 of 41 files in {folder} cannot be read as images: dark/{name} (")
    assert told in said
    assert said.endswith("or leave them out with data.allow_unreadable=true.")
    assert "\n" not in said
    data = Images(str(folder), size=6, allow_unreadable=True).load()
    assert sum(map(len, data.parts.values())) == 40
    assert data.source == f"{folder} (1 unreadable files left out)"
    for part in data.parts.values():
        np.testing.assert_array_equal(part.labels, part.inputs.min(axis=1) >= 128)


def test_unreadable_files_are_told_together(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for at in range(9):
        (folder / "light" / f"x{at}.txt").write_text("text")
    with pytest.raises(GdexpError, match=r"9 of 49 files .*/x4.txt \(.*\) and 4 more\. Mend"):
        Images(str(folder)).load()


def test_an_image_that_is_mended_is_read_anew(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    before = Images(str(folder), size=6).load().train.digest
    save(folder / "dark" / "000.png", np.full((6, 7), 9, np.uint8))
    assert Images(str(folder), size=6).load().train.digest != before


def test_the_same_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(folder_of(tmp_path))
    first = Images(folder, size=6).load()

    def fail(*_: Any) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(sources, "read_all", fail)
    assert Images(folder, size=6).load().train.digest == first.train.digest
    for other in (Images(folder, size=5), Images(folder, size=6, channels="rgb")):
        with pytest.raises(AssertionError, match="read again"):
            other.load()


def test_many_images_show_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, told = folder_of(tmp_path), list[Any]()
    monkeypatch.setattr(pixels, "MANY", 40)

    @contextmanager
    def progress(text: str, total: int | None) -> Iterator[Callable[[int], object]]:
        told.append((text, total))
        yield told.append

    Images(str(folder)).load(progress)
    sizes = [path.stat().st_size for path in folder.glob("*/*.png")]
    assert told[0] == ("reading 40 images", sum(sizes))
    assert sorted(told[1:]) == sorted(sizes)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=9),
    share=st.floats(0.1, 1),
)
def test_a_damaged_file_is_read_or_listed(
    kind: str, changes: list[tuple[float, int]], share: float, tmp_path: Path
) -> None:
    whole = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(whole, kind)
    content = bytearray(whole.getvalue())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    path = tmp_path / "damaged"
    path.write_bytes(content[: int(share * len(content))])
    got, bad = pixels.read_all([path], (4, 4), "grey", on_stderr)
    assert got.shape == (1, 16)
    if bad:
        assert list(bad) == [path]
        assert bad[path]
        assert not got.any()


BOTH = ["dark/a.png", "dark/b.png", "light/a.png", "light/b.png"]
PARTED = [f"{part}/{name}" for part in ("train", "validation", "test") for name in BOTH]
# What lies in the folder (a name that ends with a slash is a folder), and what is told.
LAYOUTS: dict[str, tuple[list[str], str]] = {
    "no such folder": ([], "cannot be read: No such file or directory. Name a folder with data."),
    "no classes": (["a.png"], "holds no folders: one for each class"),
    "one class": (["dark/a.png", "dark/b.png"], "holds one class only, 'dark'"),
    "an empty class": ([*BOTH, "blank/", "blank/.hidden"], "/blank holds no files"),
    "a rare class": (
        [
            *(f"dark/{at}.png" for at in range(9)),
            *(f"light/{at}.png" for at in range(9)),
            "z/z.png",
        ],
        "no training example is of class 'z'",
    ),
    "a part missing": (
        ["train/", "test/"],
        "must hold train, validation and test, or a folder for each class",
    ),
    "a part too many": ([*PARTED, *BOTH], "Got 'dark', 'light', 'test', 'train' and 'validation'."),
    "a class of the test alone": (
        [*PARTED, "test/grey/a.png"],
        "/test holds the class 'grey', which training has not",
    ),
    "a part without images": (
        [*(name for name in PARTED if "validation" not in name), "validation/"],
        "/validation holds no images",
    ),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_folder_that_is_laid_out_otherwise(case: str, tmp_path: Path) -> None:
    names, told = LAYOUTS[case]
    for name in names:
        path = tmp_path / "own" / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if path.suffix:
            save(path, np.zeros((2, 2), np.uint8))
        elif not path.is_dir():
            path.write_text("")
    # The rare class's file is the last of 19: a seed that deals it to validation or test.
    order = (np.random.default_rng(seed).permutation(19) for seed in range(99))
    seed = next(at for at, each in enumerate(order) if 18 in each[13:])
    with pytest.raises(GdexpError) as error:
        Images(str(tmp_path / "own"), split_seed=seed).load()
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("packed")
    with pytest.raises(GdexpError, match=r"a\.zip cannot be read: Not a directory"):
        Images(str(tmp_path / "a.zip")).load()


def test_too_few_images_and_too_many_pixels(tmp_path: Path) -> None:
    folder = str(folder_of(tmp_path, n=1))
    with pytest.raises(GdexpError, match="of 2 examples leave none for validation"):
        Images(folder).load()
    with pytest.raises(GdexpError, match=r"take more than 4 GiB\. Take a smaller data.size"):
        Images(str(folder_of(tmp_path, n=50)), size=4096, channels="rgb").load()


def test_option_has_the_defaults_of_its_class() -> None:
    node = OmegaConf.load(CONF / "images.yaml")
    node.path = "x"
    assert hydra.utils.instantiate(node, _convert_="all") == Images("x")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"path": None}, "path must be the path of a folder. Got None. Write for example path=FOL"),
        ({"size": 0}, "size must be a whole number from 1 to 4096, or two of them"),
        ({"size": True}, "size must be"),
        ({"size": [28]}, "size must be"),
        ({"size": "28x28"}, "size must be"),
        ({"channels": "cmyk"}, "channels must be one of grey, rgb. Got 'cmyk'."),
        ({"allow_unreadable": "yes"}, "allow_unreadable must be true or false. Got 'yes'."),
        ({"test": 1.0}, "test must be a number in [0, 1)"),
    ],
)
def test_settings_that_are_not_allowed(how: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as error:
        Images(**{"path": "p", **how})
    assert told in str(error.value)
