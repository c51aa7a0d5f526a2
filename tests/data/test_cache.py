"""The cache: it is used where it is right, and never noticed where it is not."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import Mnist
from gdexp.data.cache import Arrays, cache_folder, cached

REPOSITORY = Path(__file__).parents[2]


class Source:
    """A file, and how often the arrays were made from it."""

    def __init__(self, path: Path) -> None:
        self.path, self.built = path, 0
        path.write_bytes(b"\1\2\3\4\5\6")

    def build(self) -> Arrays:
        self.built += 1
        values = np.frombuffer(self.path.read_bytes(), np.uint8)
        return {"table": values[:6].reshape(2, 3), "none": values[:0], "last": values[4:6]}

    def load(self) -> dict[str, list[int]]:
        return {
            name: array.tolist() for name, array in cached("thing", [self.path], self.build).items()
        }


WANTED = {"table": [[1, 2, 3], [4, 5, 6]], "none": [], "last": [5, 6]}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "source")


def only_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def test_second_time_from_the_cache(source: Source) -> None:
    assert [source.load() for _ in range(3)] == [WANTED] * 3
    assert source.built == 1


def test_arrays_are_plain(source: Source) -> None:
    source.load()
    arrays = cached("thing", [source.path], source.build)
    assert source.built == 1
    for array in arrays.values():
        assert array.dtype == np.uint8
        assert array.flags.writeable
        assert array.flags.c_contiguous


@pytest.mark.parametrize("change", ["size", "time"])
def test_changed_source(change: str, source: Source) -> None:
    source.load()
    before = source.path.stat().st_mtime_ns
    if change == "size":
        source.path.write_bytes(b"\6\5\4\3\2\1\0")
        os.utime(source.path, ns=(before, before))
    else:
        source.path.write_bytes(b"\6\5\4\3\2\1")
        os.utime(source.path, ns=(before + 1_000_000_000,) * 2)
    assert source.load()["last"] == [2, 1]
    assert source.built == 2
    source.load()
    assert source.built == 2


def test_same_name_elsewhere_is_another_source(source: Source, tmp_path: Path) -> None:
    source.load()
    (tmp_path / "other").mkdir()
    other = Source(tmp_path / "other" / "source")
    stat = source.path.stat()
    os.utime(other.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.load()
    source.load()
    assert (source.built, other.built) == (1, 1)


def test_every_flipped_byte_is_noticed(source: Source, cache: Path) -> None:
    source.load()
    path = only_file(cache)
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x20
        path.write_bytes(damaged)
        assert source.load() == WANTED
        assert source.built == at + 2
        assert path.read_bytes() == whole


def test_every_truncation_is_noticed(source: Source, cache: Path) -> None:
    source.load()
    path = only_file(cache)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert source.load() == WANTED
        assert source.built == end + 2


def test_surplus_is_noticed(source: Source, cache: Path) -> None:
    source.load()
    path = only_file(cache)
    path.write_bytes(path.read_bytes() + b"\0")
    assert source.load() == WANTED
    assert source.built == 2


def test_folder_in_its_place(source: Source, cache: Path) -> None:
    source.load()
    path = only_file(cache)
    path.unlink()
    path.mkdir()
    assert source.load() == WANTED
    assert [each.name for each in cache.iterdir()] == [path.name]


def test_unwritable_cache_folder(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GDEXP_CACHE", str(tmp_path / "file" / "cache"))
    assert [source.load(), source.load()] == [WANTED] * 2
    assert source.built == 2


def test_full_disk_leaves_nothing(
    source: Source, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert source.load() == WANTED
    assert list(cache.iterdir()) == []


def test_interruption_leaves_nothing(
    source: Source, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(fd: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        source.load()
    assert list(cache.iterdir()) == []


def test_missing_source_is_for_the_builder_to_tell(source: Source) -> None:
    source.path.unlink()
    with pytest.raises(FileNotFoundError):
        source.load()


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GDEXP_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("GDEXP_CACHE", "")
    assert cache_folder().name == "gdexp"


def damage_start(raw: bytes) -> bytes:
    return b"X" + raw[1:]


def damage_middle(raw: bytes) -> bytes:
    return raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :]


def damage_end(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 0x80])


def halve(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


@pytest.mark.parametrize("damage", [damage_start, damage_middle, damage_end, halve])
def test_damaged_cache_of_mnist(
    damage: Callable[[bytes], bytes],
    small_root: Path,
    small: dict[str, NDArray[np.uint8]],
    cache: Path,
) -> None:
    known = Mnist(str(small_root), []).load()
    path = only_file(cache)
    path.write_bytes(damage(path.read_bytes()))
    again = Mnist(str(small_root), []).load()
    for name, part in known.parts.items():
        np.testing.assert_array_equal(again.parts[name].inputs, part.inputs)
        np.testing.assert_array_equal(again.parts[name].labels, part.labels)


def test_processes_at_once(small_root: Path, cache: Path) -> None:
    known = Mnist(str(small_root), []).load().train.digest
    path = only_file(cache)
    path.unlink()
    # Each removes the cache between its loads, so that reading and writing overlap.
    script = (
        "import sys, pathlib; from gdexp.data import Mnist\n"
        "for _ in range(40):\n"
        "    digest = Mnist(sys.argv[1], []).load().train.digest\n"
        "    assert digest == sys.argv[2], digest\n"
        "    pathlib.Path(sys.argv[3]).unlink(missing_ok=True)\n"
    )
    command = [sys.executable, "-c", script, str(small_root), known, str(path)]
    started = [
        subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [(each.communicate()[1], each.returncode) for each in started]
    assert ends == [("", 0)] * 3
    assert [each for each in cache.iterdir() if each != path] == []
