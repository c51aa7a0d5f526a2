"""What the tests of data share: real MNIST, small stand-ins for it, and mirrors on this machine."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gdexp.data import mnist_files
from gdexp.data.download import Published

CONF = Path(__file__).parents[2] / "conf" / "data"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, with no data named from outside."""
    monkeypatch.setenv("GDEXP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GDEXP_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


def _idx_bytes(array: NDArray[np.uint8]) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[NDArray[np.uint8]], bytes]:
    """A writer of the format, written apart from its reader."""
    return _idx_bytes


@pytest.fixture
def small() -> dict[str, NDArray[np.uint8]]:
    """The arrays of a small set: 60 training and 10 test images, by file name."""
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": rng.integers(0, 256, (60, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": rng.integers(0, 10, 60, np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (10, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": rng.integers(0, 10, 10, np.uint8),
    }


@pytest.fixture
def small_root(tmp_path: Path, small: dict[str, NDArray[np.uint8]]) -> Path:
    """A folder with the small set in it."""
    root = tmp_path / "small"
    root.mkdir()
    for name, array in small.items():
        (root / name).write_bytes(_idx_bytes(array))
    return root


@pytest.fixture
def published(
    small: dict[str, NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """The small set as mirrors have it, its sums standing in for MNIST's."""
    plain = {name: _idx_bytes(array) for name, array in small.items()}
    files = tuple(
        Published(name, len(raw), hashlib.sha256(raw).hexdigest()) for name, raw in plain.items()
    )
    monkeypatch.setattr(mnist_files, "FILES", files)
    return {f"/{name}.gz": gzip.compress(raw) for name, raw in plain.items()}


class Mirror(ThreadingHTTPServer):
    """A web server on this machine.

    `pages` maps a path to its bytes; `claim` is added to the length that is told, `tell` is
    False for answers of untold length, `wait` holds every answer back until it is set.
    """

    def __init__(
        self,
        pages: dict[str, bytes],
        claim: int = 0,
        tell: bool = True,
        wait: threading.Event | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages, self.claim, self.tell, self.wait = pages, claim, tell, wait
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class Answer(BaseHTTPRequestHandler):
    """What a mirror says to one question."""

    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.wait is not None:
            self.server.wait.wait()
        with suppress(ConnectionError):  # who asked may have gone
            self.answer(self.server.pages.get(self.path))

    def answer(self, page: bytes | None) -> None:
        if page is None:
            return self.send_error(404)
        self.send_response(200)
        if self.server.tell:
            self.send_header("Content-Length", str(len(page) + self.server.claim))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Callable[..., Mirror]]:
    """Start mirrors, and stop them at the test's end."""
    started: list[Mirror] = []

    def start(*args: Any, **kwargs: Any) -> Mirror:
        started.append(Mirror(*args, **kwargs))
        return started[-1]

    yield start
    for each in started:
        each.close()
