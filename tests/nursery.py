"""Commands that begin as forks of a process which has imported everything.

A command's imports take a second, MLflow's five, and the tests run hundreds of commands. These are
processes of their own with their own environment, folder and streams, all the same; what is tested
of a process' very beginning, of signals and of memory starts an interpreter.
"""

import atexit
import importlib.util
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

DRAWING = ("matplotlib.figure", "matplotlib.backends.backend_agg")
EXTRAS = ("numba", "sympy")  # imported where they are installed
COMMAND = ("gdexp.__main__", ("gdexp.app", "pandas", "scipy.special", *DRAWING, *EXTRAS))
FEEDER = ("gdexp.tracking.feed", ("gdexp.tracking.store", "gdexp.tracking.model"))
PLACE = "GDEXP_TESTS_NURSERY"  # where a command finds who forks its feeder
LONGEST = 1 << 20  # bytes of an order


class Child:
    """A forked process, as `subprocess.Popen` would have it."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.pid = int(link.recv(32))
        self.returncode: int | None = None
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit status."""
        if self.returncode is None:
            self._link.settimeout(timeout)
            try:
                self.returncode = int(self._link.recv(32))
            except TimeoutError:
                raise subprocess.TimeoutExpired("a forked command", timeout or 0) from None
            self._link.close()
        return self.returncode

    def poll(self) -> int | None:
        """Give its exit status, or None as long as it runs."""
        with suppress(subprocess.TimeoutExpired, BlockingIOError):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """Send it a signal, as long as it is there."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Started(Child):
    """A command that goes on beside the test, with what it prints."""

    def __init__(self, link: socket.socket, out: IO[str], err: IO[str]) -> None:
        super().__init__(link)
        self._files = (out, err)
        self._printed: tuple[str, str] | None = None

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; give what it printed, and what it said of errors."""
        self.wait(timeout)
        return self.printed()

    def printed(self) -> tuple[str, str]:
        """Give both, as far as they are there."""
        if self._printed is None:
            told = []
            for file in self._files:
                with file:
                    file.seek(0)
                    told.append(file.read())
            self._printed = told[0], told[1]
        return self._printed


def order(
    place: str, argv: Sequence[str], cwd: str, env: Mapping[str, str], fds: list[int]
) -> socket.socket:
    """Have a process forked, with these three files as its streams."""
    link = socket.socket(socket.AF_UNIX)
    link.connect(place)
    what = json.dumps({"argv": [*argv], "cwd": cwd, "env": {**env}}).encode()
    socket.send_fds(link, [len(what).to_bytes(4, "big")], fds)
    link.sendall(what)
    return link


def serve(place: str, module: str, preload: Sequence[str]) -> None:
    """Import, and fork whatever is ordered; ends with who started it."""
    for name in preload:
        if name not in EXTRAS or importlib.util.find_spec(name):
            importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{place}.new")
        listening.listen(64)
        Path(f"{place}.new").rename(place)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                attend(link, module)
            link.close()


def attend(link: socket.socket, module: str) -> None:
    """Fork the process itself, and tell how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    size, fds, _, _ = socket.recv_fds(link, 4, 3)
    text = b""
    while len(text) < int.from_bytes(size, "big"):
        text += link.recv(LONGEST)
    child = os.fork()
    if child == 0:
        link.close()
        become(module, json.loads(text), fds)
    for fd in fds:
        os.close(fd)
    link.send(b"%d" % child)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        link.send(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(module: str, what: dict[str, Any], fds: list[int]) -> None:
    """Be the process that was ordered, to its end."""
    os.setsid()
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()
    os.environ.update(what["env"])
    os.chdir(what["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests
    sys.argv = [module, *what["argv"]]
    sys.stdin = os.fdopen(0)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    lend_feeders()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


def lend_feeders() -> None:
    """Have feeders forked, too, in this process and in those that it forks."""
    if PLACE in os.environ:
        feeder: Any = importlib.import_module("gdexp.tracking.feeder")
        feeder.subprocess = SimpleNamespace(Popen=fork_feeder, PIPE=subprocess.PIPE)


def fork_feeder(
    words: Sequence[str], *, stderr: IO[str], env: Mapping[str, str], **kept: Any
) -> Child:
    """Stand in for the `subprocess.Popen` of `gdexp.tracking.feeder`."""
    (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
    fds = [theirs_in, theirs_out, stderr.fileno()]
    child = Child(order(os.environ[PLACE], [], str(Path.cwd()), env, fds))
    os.close(theirs_in)
    os.close(theirs_out)
    child.stdin, child.stdout = os.fdopen(ours_in, "w"), os.fdopen(ours_out)
    return child


class Nursery:
    """The two processes that fork: one knows the commands, one MLflow."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nursery-")
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def place(self, kind: tuple[str, tuple[str, ...]]) -> str:
        """Give where a kind of process is ordered, once somebody listens there."""
        module, preload = kind
        place = f"{self._folder.name}/{module}"
        if module not in self._started:
            words = [sys.executable, "-m", "tests.nursery", place, module, *preload]
            env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
            root = Path(__file__).parents[1]
            self._started[module] = subprocess.Popen(words, cwd=root, env=env)
        while not Path(place).exists():
            assert self._started[module].poll() is None, f"{module} could not be imported"
            signal.sigtimedwait([], 0.02)
        return place

    def start(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str = ""
    ) -> Started:
        """Stand in for `subprocess.Popen`, of a command."""
        env = {**env, PLACE: self.place(FEEDER)}
        out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
        given, ours = os.pipe()
        fds = [given, out.fileno(), err.fileno()]
        child = Started(order(self.place(COMMAND), words, str(cwd), env, fds), out, err)
        os.close(given)
        threading.Thread(target=write, args=(ours, stdin), daemon=True).start()
        return child

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Stand in for `subprocess.run`, of a command."""
        child = self.start(words, cwd, env, stdin)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        finally:
            told = child.printed()
        return subprocess.CompletedProcess([*words], child.wait(), *told)

    def close(self) -> None:
        """End those that fork; what they forked ends by itself."""
        for process in self._started.values():
            process.kill()
            process.wait()
        self._folder.cleanup()


def write(fd: int, text: str) -> None:
    """Write all to a pipe, for as long as somebody reads it."""
    with suppress(BrokenPipeError), os.fdopen(fd, "w") as pipe:
        pipe.write(text)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
