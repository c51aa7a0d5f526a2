"""What no input may make a reader do: write elsewhere, run or call anything, take too long."""

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gdexp.errors import GdexpError

CPU_SECONDS = 10.0  # for one input of a few KB
MOST_BYTES = 1 << 30  # of memory, beyond what the process has when it begins

FORBIDDEN = {
    *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"),
    *("pickle.find_class", "socket.connect", "socket.getaddrinfo", "ctypes.dlopen"),
}
CHANGING = {
    *("os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
    *("os.truncate", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile"),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Breach(BaseException):
    """What a reader must not do; no reader catches it."""


class Guard:
    """Carries out readers in a folder, and says what they did that they must not do.

    Parameters
    ----------
    folder : Path
        The one place that they may write to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._watching = False
        self._breaches: list[str] = []
        sys.dont_write_bytecode = True
        sys.addaudithook(self._seen)
        signal.signal(signal.SIGVTALRM, self._late)

    def finding(self, read: Callable[[], object]) -> str:
        """Carry a reader out; empty where it kept to what it may do."""
        self._breaches.clear()
        try:
            with self._watched():
                read()
        except GdexpError as error:
            told = "a message of several lines" if "\n" in str(error) else ""
        except (Exception, Breach) as error:
            told = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}{_place(error)}"
        else:
            told = ""
        return self._breaches[0] if self._breaches else told

    @contextmanager
    def _watched(self) -> Iterator[None]:
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        self._watching = True
        try:
            yield
        finally:
            self._watching = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _late(self, *_: object) -> None:
        if self._watching:
            self._breach(f"took more than {CPU_SECONDS:g} s of CPU")

    def _seen(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event in FORBIDDEN:
            self._breach(f"{event} {args!r:.100}")
        writes = event == "open" and isinstance(args[2], int) and args[2] & WRITING
        paths = args[:1] if writes else args[:2] if event in CHANGING else ()
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike) and not self._inside(path):
                self._breach(f"{event} outside of its folder: {path!r:.100}")

    def _inside(self, path: Any) -> bool:
        place = Path(os.fsdecode(path)).resolve()
        return place.is_relative_to(self.folder) or place == Path("/dev/null")

    def _breach(self, what: str) -> None:
        self._breaches.append(what)
        raise Breach(what)


def _place(error: BaseException) -> str:
    """Say where in gdexp an error came from, the innermost place."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "/gdexp/" in frame.filename
    ]
    if not frames:
        return ""
    return f" (gdexp/{frames[-1].filename.rpartition('/gdexp/')[2]}:{frames[-1].lineno})"


def limit_memory() -> None:
    """Have this process take no more than `MOST_BYTES` beyond what it has: then MemoryError."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmSize"))
        most = int(line.split()[1]) * 1024 + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
