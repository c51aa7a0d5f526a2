"""A proxy before a server that loses, delays, refuses and cuts what goes through it, at random."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DELAY = 1.5  # seconds: longer than the client waits
ANSWERS = {"500": 500, "429": 429, "403": 403}
FAULTS = ("refuse", "lose", "delay", "truncate", "500 after", *ANSWERS)


class Proxy(ThreadingHTTPServer):
    """Hands requests on; of those to the API and to artifacts, a share goes wrong.

    Parameters
    ----------
    target : str
        The server's URL.
    share : float
        Of the requests go wrong.
    seed : int
    """

    daemon_threads = True

    def __init__(self, target: str, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.share = urlsplit(target).netloc, share
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.count: Counter[str] = Counter()
        self._rng, self._lock = random.Random(seed), threading.Lock()

    def fault(self) -> str:
        """Say what is to go wrong now; empty for nothing."""
        with self._lock:
            found = self._rng.choice(FAULTS) if self._rng.random() < self.share else ""
            self.count[found] += 1
        return found

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that have gone are the purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = "" if self.path == "/health" else self.server.fault()
        if fault in ANSWERS:
            self._answer(ANSWERS[fault], b'{"error_code": "PERMISSION_DENIED", "message": "no"}')
        elif fault == "refuse":
            self.close_connection = True
        else:
            if fault == "delay":
                time.sleep(DELAY)
            status, answer = self._asked(body)
            if fault == "500 after":
                self._answer(500, b"out of order")
            elif fault == "lose":
                self.close_connection = True
            else:
                self._answer(status, answer, cut=fault == "truncate")

    def _asked(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "host")}
        connection.request(self.command, self.path, body, kept)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        return answer.status, found

    def _answer(self, status: int, body: bytes, *, cut: bool = False) -> None:
        with suppress(OSError):  # who asked has gone
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def proxy(target: str, share: float, seed: int) -> Iterator[Proxy]:
    """Give a proxy."""
    with Proxy(target, share, seed) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()
