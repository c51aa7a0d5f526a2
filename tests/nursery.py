"""Commands that begin as forks of a process which has imported everything.

A command's imports take a second, MLflow's five, and the tests run hundreds of commands. These are
processes of their own with their own environment, folder and streams, all the same; what is tested
of a process' very beginning, of signals and of memory starts an interpreter. Feeders have opened a
store before, too, and begin a new one with the empty one that MLflow made then; commands have
composed before. Servers of MLflow begin as feeders do, where a test asks for that: how `ui` and
`server` start them is tested without.
"""

import atexit
import gc
import importlib.util
import json
import logging
import os
import runpy
import select
import shutil
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
EXTRAS = ("numba", "optuna", "sympy")  # imported where they are installed
COMMAND, FEEDER = "gdexp.__main__", "gdexp.tracking.feed"
KINDS = {  # what they import
    COMMAND: (
        *("gdexp.app", "gdexp.sweeps.local", "gdexp.commands.compare", "gdexp.stored.sql"),
        *("sqlalchemy.dialects.sqlite", "pandas", "scipy.special", *DRAWING, *EXTRAS),
    ),
    FEEDER: ("gdexp.tracking.store", "gdexp.tracking.model"),
}
PLACE = "GDEXP_TESTS_NURSERY"  # names the folder in which those listen who fork
MAKE = "GDEXP_TESTS_MAKE"  # where it is set, feeders have MLflow make new stores
FIRST = "GDEXP_TESTS_FIRST"  # what a command carries out before it begins: a bug, say
EMPTY = "empty.db"
LONGEST = 1 << 20  # bytes of an order


class Child:
    """A forked process, as `subprocess.Popen` would have it."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        told = link.recv(32)
        assert told, "the process that forks has ended: see what it said"
        self.pid = int(told)
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

    def said(self) -> tuple[str, str]:
        """Give what it has printed so far."""
        out, err = (os.pread(file.fileno(), LONGEST, 0).decode() for file in self._files)
        return out, err

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
    kind: str,
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    fds: list[int],
    module: str = "",
) -> socket.socket:
    """Have a process forked, with these three files as its streams; it may be another module's."""
    link = socket.socket(socket.AF_UNIX)
    link.connect(f"{os.environ[PLACE]}/{kind}")
    asked = {"module": module or kind, "argv": [*argv], "cwd": cwd, "env": {**env}}
    what = json.dumps(asked).encode()
    socket.send_fds(link, [len(what).to_bytes(4, "big")], fds)
    link.sendall(what)
    return link


def serve(fd: int, module: str) -> None:
    """Import with the first order, and fork whatever is ordered; ends with who started it."""
    ready = False
    gc.disable()  # until all is imported
    with socket.socket(fileno=fd) as listening:
        while 0 not in select.select([0, fd], [], [])[0]:
            ready = ready or prepare(module)
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                attend(link)
            link.close()


def prepare(module: str) -> bool:
    """Import what processes of this kind need."""
    for name in KINDS[module]:
        if name not in EXTRAS or importlib.util.find_spec(name):
            importlib.import_module(name)
    if module == FEEDER:
        open_a_store()
    else:
        compose()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # no fork looks through what all have, and so has it copied
    gc.enable()
    return True


def compose() -> None:
    """Have parsed what the menu holds, and read what the code is, which commands find the same.

    Options that were edited are parsed anew, as in any process that composes twice.
    """
    composing: Any = importlib.import_module("gdexp.compose")
    environment: Any = importlib.import_module("gdexp.tracking.environment")
    composing.composed([])
    environment.environment(1, environment.code())
    trusted: Any = importlib.import_module("gdexp.trusted")
    trusted.offered()


def open_a_store() -> None:
    """Have MLflow prepare what it does with its first store, and keep an empty one for others."""
    store: Any = importlib.import_module("gdexp.tracking.store")
    opening: Any = importlib.import_module("gdexp.tracking.opening")
    engines = importlib.import_module("mlflow.store.tracking.sqlalchemy_store").SqlAlchemyStore
    empty, opened = Path(os.environ[PLACE], EMPTY), opening._open
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(dir=empty.parent) as folder:
        opened(f"sqlite:///{folder}/mlflow.db")
        engines._engine_map.pop(f"sqlite:///{folder}/mlflow.db").dispose()
        shutil.copy(f"{folder}/mlflow.db", empty)
        store.Store(f"sqlite:///{folder}/mlflow.db", "gdexp", f"{folder}/artifacts").close()
        engines._engine_map.clear()

    def begun(uri: str) -> Any:
        database = Path(uri.removeprefix("sqlite:///"))
        if uri.startswith("sqlite:///") and not database.exists() and MAKE not in os.environ:
            shutil.copy(empty, f"{database}.{os.getpid()}")
            Path(f"{database}.{os.getpid()}").rename(database)  # whole, whenever it is killed
        return opened(uri)

    opening._open = begun


def attend(link: socket.socket) -> None:
    """Fork the process itself, and tell how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    size, fds, _, _ = socket.recv_fds(link, 4, 3)
    if not size:  # nothing is ordered: see `awake`
        os._exit(0)
    text = b""
    while len(text) < int.from_bytes(size, "big"):
        text += link.recv(LONGEST)
    child = os.fork()
    if child == 0:
        link.close()
        become(json.loads(text), fds)
    for fd in fds:
        os.close(fd)
    link.send(b"%d" % child)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        link.send(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(what: dict[str, Any], fds: list[int]) -> None:
    """Be the process that was ordered, to its end."""
    os.setsid()
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()
    os.environ.update(what["env"])
    os.chdir(what["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests
    sys.argv = [what["module"], *what["argv"]]
    sys.stdin = os.fdopen(0)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    lend_feeders()
    exec(os.environ.pop(FIRST, ""))
    try:
        runpy.run_module(what["module"], run_name="__main__", alter_sys=False)
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
        Path(os.environ[PLACE], f"{os.getpid()}-feeder").unlink(missing_ok=True)  # of a namesake
        feeder: Any = importlib.import_module("gdexp.tracking.feeder")
        feeder.subprocess = SimpleNamespace(Popen=fork_feeder, PIPE=subprocess.PIPE)


def fork_feeder(
    words: Sequence[str], *, stderr: IO[str], env: Mapping[str, str], **kept: Any
) -> Child:
    """Stand in for the `subprocess.Popen` of `gdexp.tracking.feeder`."""
    (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
    fds = [theirs_in, theirs_out, stderr.fileno()]
    child = Child(order(FEEDER, [], str(Path.cwd()), env, fds))
    Path(os.environ[PLACE], f"{os.getpid()}-feeder").write_text(f"{child.pid}\n")
    os.close(theirs_in)
    os.close(theirs_out)
    child.stdin, child.stdout = os.fdopen(ours_in, "w"), os.fdopen(ours_out)
    return child


def fork_mlflow(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: IO[Any],
    cwd: Path | None = None,
    **kept: Any,
) -> Child:
    """Stand in for the `subprocess.Popen` of ``python -m mlflow server``; see `serving`."""
    _, _, module, *words = command
    with Path(os.devnull).open() as nothing:
        fds = [nothing.fileno(), stdout.fileno(), stdout.fileno()]
        env = {**env, FIRST: "from tests import nursery; nursery.lend('mlflow.utils.process')"}
        return Child(order(FEEDER, words, str(cwd or Path.cwd()), env, fds, module))


def fork_answering(command: Sequence[str], *, env: Mapping[str, str], **kept: Any) -> Child:
    """Stand in for the `subprocess.Popen` of ``python -m uvicorn``, by which that is answered."""
    _, _, module, *words = command
    child = Child(order(FEEDER, words, str(Path.cwd()), env, [0, 1, 2], module))
    Path(os.environ[PLACE], f"{os.getpid()}-server").write_text(f"{child.pid}\n")
    return child


STARTS = {"gdexp.serving.process": fork_mlflow, "mlflow.utils.process": fork_answering}


def lend(place: str) -> None:
    """Have the servers forked that are started in this module."""
    Path(os.environ[PLACE], f"{os.getpid()}-server").unlink(missing_ok=True)  # of a namesake
    module: Any = importlib.import_module(place)
    module.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": STARTS[place]})


def start(words: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str = "") -> Started:
    """Stand in for `subprocess.Popen`, of a command."""
    out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
    given, ours = os.pipe()
    fds = [given, out.fileno(), err.fileno()]
    child = Started(order(COMMAND, words, str(cwd), env, fds), out, err)
    os.close(given)
    threading.Thread(target=write, args=(ours, stdin), daemon=True).start()
    return child


def run(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Stand in for `subprocess.run`, of a command."""
    child = start(words, cwd, env, stdin)
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    finally:
        told = child.printed()
    return subprocess.CompletedProcess([*words], child.wait(), *told)


class Nursery:
    """The two processes that fork: one knows the commands, one MLflow.

    They are there for all processes of tests, and import nothing before the first order.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nursery-")
        os.environ[PLACE] = self._folder.name
        self._started = [self._start(kind) for kind in KINDS]

    def _start(self, kind: str) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{self._folder.name}/{kind}")
            listening.listen(64)
            fd = listening.fileno()
            return subprocess.Popen(
                [sys.executable, "-m", "tests.nursery", str(fd), kind],
                cwd=Path(__file__).parents[1],
                env=env,
                stdin=subprocess.PIPE,  # which ends with this process
                pass_fds=[fd],
                start_new_session=True,  # Ctrl-C is for the tests
            )

    def awake(self) -> None:
        """Have both import now: they will be wanted."""
        for kind in KINDS:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(f"{self._folder.name}/{kind}")

    def close(self) -> None:
        """End those that fork; what they forked ends by itself."""
        for process in self._started:
            process.kill()
            process.communicate()
        self._folder.cleanup()
        del os.environ[PLACE]


def feeder_of(pid: int) -> int:
    """Give the process that feeds what a forked command does, once there is one; else 0."""
    return _noted(pid, "feeder")


def serving(pid: int) -> int:
    """Give the process that answers for a forked ``mlflow server``, once there is one; else 0."""
    return _noted(pid, "server")


def _noted(pid: int, what: str) -> int:
    told = Path(os.environ[PLACE], f"{pid}-{what}")
    return int(told.read_text() or 0) if told.exists() else 0


def write(fd: int, text: str) -> None:
    """Write all to a pipe, for as long as somebody reads it."""
    with suppress(BrokenPipeError), os.fdopen(fd, "w") as pipe:
        pipe.write(text)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
