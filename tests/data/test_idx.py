"""IDX files: what is written is read back, and no bytes bring anything but an array or one line."""

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from numpy.typing import NDArray

from gdexp.data.idx import read_idx, sha256_unpacked
from gdexp.errors import GdexpError

Write = Callable[[NDArray[np.uint8]], bytes]

ANY_ARRAY = some.arrays(np.uint8, some.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))
LABELS = bytes.fromhex("0000 0801 0000 0003 07 01 09")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx")


def told(path: Path, ndim: int = 1) -> str:
    """The one line that reading a file ends with, less the file's name."""
    with pytest.raises(GdexpError) as error:
        read_idx(path, ndim)
    line = str(error.value)
    assert line.startswith(f"{path} ")
    assert "\n" not in line
    return line.removeprefix(f"{path} ")


def outcome(path: Path, ndim: int) -> str:
    try:
        array = read_idx(path, ndim)
    except GdexpError as error:
        right = str(error).startswith(f"{path} ") and "\n" not in str(error)
        return "one line" if right else f"not one line: {error}"
    return "an array" if array.ndim == ndim else f"an array of shape {array.shape}"


def said_of(raw: bytes | bytearray, tmp_path: Path, name: str = "labels", ndim: int = 1) -> str:
    (tmp_path / name).write_bytes(raw)
    return told(tmp_path / name, ndim)


@given(array=ANY_ARRAY, packed=st.booleans())
def test_reads_back_what_was_written(
    array: NDArray[np.uint8], packed: bool, folder: Path, idx_bytes: Write
) -> None:
    raw = idx_bytes(array)
    path = folder / ("a.gz" if packed else "a")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    got = read_idx(path, array.ndim)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    np.testing.assert_array_equal(got, array, strict=True)
    assert sha256_unpacked(path, len(raw)) == hashlib.sha256(raw).hexdigest()


@settings(max_examples=200)
@given(data=st.data(), packed=st.booleans(), name=st.sampled_from(["b", "b.gz"]))
def test_any_damage_gives_an_array_or_one_line(
    data: st.DataObject, packed: bool, name: str, folder: Path, idx_bytes: Write
) -> None:
    raw = idx_bytes(np.arange(24, dtype=np.uint8).reshape(4, 3, 2))
    damaged = bytearray(gzip.compress(raw) if packed else raw)
    places = st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255))
    for at, byte in data.draw(st.lists(places, max_size=4)):
        damaged[at] = byte
    end = data.draw(st.integers(0, len(damaged)))
    path = folder / name
    path.write_bytes(damaged[:end] + data.draw(st.binary(max_size=8)))
    assert outcome(path, 3) in ("an array", "one line")


@given(raw=st.binary(max_size=64), ndim=st.integers(1, 4))
def test_any_bytes_give_an_array_or_one_line(raw: bytes, ndim: int, folder: Path) -> None:
    path = folder / "c"
    path.write_bytes(bytes((0, 0, 8, ndim)) + raw)
    assert outcome(path, ndim) in ("an array", "one line")


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(gzip.compress(LABELS))
    assert read_idx(path, 1).tolist() == [7, 1, 9]


def test_empty(tmp_path: Path) -> None:
    assert said_of(b"", tmp_path) == "is empty. Fetch the file anew."
    assert said_of(gzip.compress(b""), tmp_path, "a.gz").startswith("is empty.")
    assert said_of(b"", tmp_path, "b.gz").startswith("is not gzip, as its name says: starts with n")


@pytest.mark.parametrize("length", range(1, 16))
def test_cut_within_the_header(length: int, tmp_path: Path, idx_bytes: Write) -> None:
    raw = idx_bytes(np.zeros((2, 2, 2), np.uint8))[:length]
    expected = f"is cut short: its header must be 16 bytes, got {length}. Fetch the file anew."
    assert said_of(raw, tmp_path, ndim=3) == expected


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_cut_within_the_elements(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    expected = "is cut short: its header says 3 = 3 bytes after it, got 2. Fetch the file anew."
    assert said_of(pack(LABELS[:-1]), tmp_path) == expected


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_surplus(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    expected = "is too long: its header says 3 = 3 bytes after it, got 5. Fetch the file anew."
    assert said_of(pack(LABELS + b"ab"), tmp_path) == expected


def test_wrong_magic_number(tmp_path: Path) -> None:
    expected = "is not an IDX file: magic number 0x3c68746d, expected 0x00000801. "
    assert said_of(b"<html>", tmp_path).startswith(expected)


@pytest.mark.parametrize("kind", [0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x00])
def test_wrong_type_of_elements(kind: int, tmp_path: Path) -> None:
    raw = LABELS[:2] + bytes([kind]) + LABELS[3:]
    expected = f"holds elements of type 0x{kind:02x}, expected 0x08 (unsigned bytes): "
    assert said_of(raw, tmp_path).startswith(expected)


def test_wrong_number_of_dimensions(tmp_path: Path) -> None:
    expected = (
        "has 1 dimensions, expected 3: magic number 0x00000801, expected 0x00000803. "
        "Check that images and labels are not swapped."
    )
    assert said_of(LABELS, tmp_path, ndim=3) == expected


def test_name_says_gzip(tmp_path: Path) -> None:
    expected = "is not gzip, as its name says: starts with 0000, expected 1f8b. "
    assert said_of(LABELS, tmp_path, "labels.gz").startswith(expected)


def test_gzip_without_end(tmp_path: Path) -> None:
    expected = "is cut short: its gzip stream has no end. Fetch the file anew."
    assert said_of(gzip.compress(LABELS)[:-9], tmp_path) == expected


def test_damaged_gzip(tmp_path: Path) -> None:
    raw = bytearray(gzip.compress(LABELS))
    raw[-8] ^= 1  # of the CRC
    assert said_of(raw, tmp_path).startswith("is damaged: its gzip stream is bad (CRC check failed")
    raw[10] |= 6  # of the deflate stream: a block of a kind that does not exist
    assert said_of(raw, tmp_path).startswith("is damaged: its gzip stream is bad (Error -3 ")


def test_missing_and_folder(tmp_path: Path) -> None:
    advice = "Check the file and who may read it."
    assert told(tmp_path / "none") == f"cannot be read: No such file or directory. {advice}"
    assert told(tmp_path) == f"cannot be read: Is a directory. {advice}"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_header_alone_allocates_nothing(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    raw = bytes((0, 0, 8, 3)) + b"\xff" * 12 + b"few"
    tracemalloc.start()
    try:
        assert said_of(pack(raw), tmp_path, ndim=3).startswith(
            "is cut short: its header says 42949"
        )
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_no_bytes_and_still_no_array(tmp_path: Path) -> None:
    raw = bytes((0, 0, 8, 3)) + bytes(4) + b"\xff" * 8
    assert said_of(raw, tmp_path, ndim=3).startswith("has impossible dimensions: ")


def test_hashing_ends_at_the_most(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(GdexpError, match="is too long: it must hold 1000 bytes, got more"):
        sha256_unpacked(path, 1000)
