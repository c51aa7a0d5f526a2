"""Downloads, from mirrors on this machine that behave well and badly."""

import errno
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import Mnist, download, mnist_files
from gdexp.data.progress import on_stderr
from gdexp.errors import GdexpError

REPOSITORY = Path(__file__).parents[2]
Start = Callable[..., Any]
Pages = dict[str, bytes]

ABSENT = "http://127.0.0.1:9/"  # the port of "discard": nobody listens there
IMAGES = "/train-images-idx3-ubyte.gz"


def failure(root: Path, *mirrors: str) -> str:
    with pytest.raises(GdexpError) as error:
        Mnist(str(root), mirrors).load()
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith("MNIST is incomplete: ") or " is not MNIST's" in line
    return line


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name != ".download.lock")


def test_real_files(mnist_root: Path, tmp_path: Path, mirror: Start) -> None:
    pages = {}
    for path in Mnist(str(mnist_root), []).files():
        raw = path.read_bytes()
        packed = raw if raw.startswith(b"\x1f\x8b") else gzip.compress(raw, 1)
        pages[f"/{path.name.removesuffix('.gz').replace('.idx', '-idx')}.gz"] = packed
    found = Mnist(str(tmp_path / "new"), [mirror(pages).url]).files()
    assert [file.is_at(path) for file, path in zip(mnist_files.FILES, found, strict=True)] == [
        True
    ] * 4


def test_into_root_which_is_made(
    published: Pages, small: dict[str, NDArray[np.uint8]], tmp_path: Path, mirror: Start
) -> None:
    root = tmp_path / "a" / "b"
    served = mirror(published)
    data = Mnist(str(root), [served.url.rstrip("/")]).load()
    np.testing.assert_array_equal(data.test.labels, small["t10k-labels-idx1-ubyte"])
    assert names(root) == sorted(path[1:] for path in published)
    Mnist(str(root), [served.url]).load()
    assert len(served.asked) == 4


def test_into_the_cache_folder(published: Pages, cache: Path, mirror: Start) -> None:
    Mnist(None, [mirror(published).url]).load()
    assert names(cache / "mnist") == sorted(path[1:] for path in published)


def test_only_what_is_missing(published: Pages, small_root: Path, mirror: Start) -> None:
    (small_root / "t10k-labels-idx1-ubyte").unlink()
    served = mirror(published)
    Mnist(str(small_root), [served.url]).load()
    assert served.asked == ["/t10k-labels-idx1-ubyte.gz"]


def test_other_data_is_not_filled_up(published: Pages, small_root: Path, mirror: Start) -> None:
    (small_root / "t10k-labels-idx1-ubyte").unlink()
    images = small_root / "t10k-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\0")
    served = mirror(published)
    assert failure(small_root, served.url) == (
        f"data.root: {images} is not MNIST's, so its folder is not filled up with MNIST's "
        f"t10k-labels-idx1-ubyte. Put the rest into {small_root}, or remove this file."
    )
    assert served.asked == []


def test_offline(published: Pages, tmp_path: Path) -> None:
    root, refused = tmp_path / "new", errno.ECONNREFUSED
    assert failure(root, ABSENT) == (
        f"MNIST is incomplete: {root} lacks train-images-idx3-ubyte, train-labels-idx1-ubyte, "
        "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, and downloading failed "
        f"({ABSENT}: [Errno {refused}] {os.strerror(refused)}). "
        "Put the files there, with or without .gz, or name a folder that has them by "
        "data.root=FOLDER or GDEXP_DATA; "
        "data=digits needs no files."
    )
    assert names(root) == []


def test_no_mirror(published: Pages, tmp_path: Path) -> None:
    assert "downloading failed (no mirror is set)" in failure(tmp_path / "new")


def test_unwritable_folder(published: Pages, tmp_path: Path, mirror: Start) -> None:
    (tmp_path / "file").touch()
    said = failure(tmp_path / "file" / "new", mirror(published).url)
    assert "(the folder cannot be written: Not a directory)" in said


WRONG = gzip.compress(b"something else", mtime=0)
BOMB = gzip.compress(bytes(5_000_000), mtime=0)


@pytest.mark.parametrize(
    ("page", "options", "said"),
    [
        (None, {}, "HTTP Error 404: Not Found"),
        (b"<html>", {}, "what it gave is not gzip, as its name says: starts with 3c68"),
        (WRONG, {}, "SHA-256 "),
        (WRONG[:-5], {}, "what it gave is cut short: its gzip stream has no end"),
        (WRONG, {"claim": 9}, f"cut short: {len(WRONG)} bytes, expected {len(WRONG) + 9}"),
        (b"", {}, "what it gave is not gzip, as its name says: starts with nothing"),
        (bytes(200_000), {"tell": False}, "more than 48127 bytes, expected about 47056"),
        (BOMB, {}, "what it gave is too long: it must hold 47056 bytes"),
    ],
    ids=["absent", "not gzip", "other", "cut", "cut, told", "empty", "endless", "bomb"],
)
def test_bad_mirror_then_good_one(
    page: bytes | None,
    options: dict[str, Any],
    said: str,
    published: Pages,
    tmp_path: Path,
    mirror: Start,
) -> None:
    bad = mirror({IMAGES: page} if page is not None else {}, **options)
    root = tmp_path / "new"
    assert f"downloading failed ({bad.url}: {said}" in failure(root, bad.url)
    assert names(root) == []
    good = mirror(published)
    Mnist(str(root), [bad.url, good.url]).load()
    assert sorted(good.asked) == sorted(published)
    assert names(root) == sorted(path[1:] for path in published)


def test_truncated_real_page(published: Pages, tmp_path: Path, mirror: Start) -> None:
    half = {path: page[: len(page) // 2] for path, page in published.items()}
    cut = mirror(half, claim=len(published[IMAGES]) - len(half[IMAGES]))
    assert "cut short: " in failure(tmp_path / "new", cut.url)
    assert names(tmp_path / "new") == []


def test_mirror_that_never_answers(
    published: Pages, tmp_path: Path, mirror: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.1)
    release = threading.Event()
    try:
        assert "timed out" in failure(tmp_path / "new", mirror(published, wait=release).url)
    finally:
        release.set()


def test_all_reasons_are_told(published: Pages, tmp_path: Path, mirror: Start) -> None:
    first, second = mirror({}), mirror({IMAGES: b"no"})
    line = failure(tmp_path / "new", first.url, ABSENT, second.url)
    assert line.index(first.url) < line.index(ABSENT) < line.index(second.url)


def test_processes_at_once_download_once(published: Pages, tmp_path: Path, mirror: Start) -> None:
    served = mirror(published)
    files = [[file.name, file.size, file.sha256] for file in mnist_files.FILES]
    script = (
        "import sys, json; from gdexp.data import Mnist, mnist_files, download\n"
        "files = json.loads(sys.argv[1])\n"
        "mnist_files.FILES = tuple(download.Published(*file) for file in files)\n"
        "print(Mnist(sys.argv[2], [sys.argv[3]]).load().train.digest)\n"
    )
    command = [sys.executable, "-c", script, json.dumps(files), str(tmp_path / "new"), served.url]
    started = [
        subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for _ in range(3)
    ]
    digests = {each.communicate()[0] for each in started}
    assert [each.returncode for each in started] == [0, 0, 0]
    assert len(digests) == 1
    assert sorted(served.asked) == sorted(published)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("total", [None, 50])
def test_progress_on_a_terminal(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with on_stderr("fetching [x]", total) as advance:
        advance(20)
        advance(30)
    assert "fetching [x]" in terminal.getvalue()


def test_progress_elsewhere_is_one_line(
    published: Pages, tmp_path: Path, mirror: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    served = mirror(published)
    Mnist(str(tmp_path / "new"), [served.url]).load()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [f"downloading {served.url}{path[1:]}" for path in published]


def test_progress_without_a_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with on_stderr("fetching", 1) as advance:
        advance(1)
    assert capsys.readouterr().out == ""


def test_progress_of_the_caller(published: Pages, tmp_path: Path, mirror: Start) -> None:
    got: dict[str, int] = {}

    def watch(text: str, total: int | None) -> Any:
        assert total is not None
        return nullcontext(lambda count: got.update({text: got.get(text, 0) + count}))

    served = mirror(published)
    Mnist(str(tmp_path / "new"), [served.url]).load(watch)
    wanted = {f"downloading {served.url}{path[1:]}": len(page) for path, page in published.items()}
    assert got == wanted
