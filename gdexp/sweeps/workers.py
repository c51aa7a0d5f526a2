"""Workers: processes that carry out one job after another, and end when the command does.

On Linux they are forked from the command once all is planned, so that imports, data and compiled
functions are there already, and shared as long as nobody writes to them. The only other thread of
the command is then the one that listens to the feeder, and it holds no lock that a worker takes.
Elsewhere a fork is not safe, and workers are started anew.
"""

import ctypes
import multiprocessing
import os
import signal
import stat
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from gdexp import signals

FORKS = sys.platform == "linux"
CONTEXT: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
PR_SET_PDEATHSIG = 1  # of linux/prctl.h

DONE, TOLD, ASKED = "done", "told", "asked"  # what a worker's messages are


class Tell:
    """Says to the command how far a job is.

    Parameters
    ----------
    pipe : Connection
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __call__(self, what: Any) -> None:
        """Say something."""
        with suppress(BrokenPipeError):  # nobody listens any more, and a signal says so
            self._pipe.send((TOLD, what))

    def ask(self, what: Any) -> Any:
        """Say something, and wait for the answer."""
        self._pipe.send((ASKED, what))
        return self._pipe.recv()


Work = Callable[[bytes, Tell], Any]


class Worker:
    """One of them, as the command sees it.

    Parameters
    ----------
    work : callable
        Carries out a job, handed over as bytes, and tells how far it is; gives what came of it.
    """

    def __init__(self, work: Work) -> None:
        self.job: int | None = None
        self.pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(work, theirs, os.getpid()), daemon=True)
        with warnings.catch_warnings():  # Python 3.12 warns of the other thread: see above
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()

    def give(self, number: int, packed: bytes) -> None:
        """Hand a job over."""
        self.job = number
        with suppress(BrokenPipeError):  # it has just died, which is heard of next
            self.pipe.send_bytes(packed)

    def answer(self, what: Any) -> None:
        """Answer what it asked."""
        with suppress(BrokenPipeError):  # it has just died, which is heard of next
            self.pipe.send(what)

    def hear(self) -> tuple[str, Any] | None:
        """Take the next message: of which kind it is, and what was said; None from the dead."""
        try:
            heard: tuple[str, Any] = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return heard

    def signal(self, number: int) -> None:
        """Ask it to end, and give it no more jobs."""
        with suppress(ProcessLookupError):
            if self.job is not None and self.process.is_alive():
                os.kill(self.process.pid, number)
        self.pipe.close()

    def buried(self) -> str:
        """Wait for a process that ends; say how it ended."""
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def serve(work: Work, pipe: Connection, parent: int) -> None:
    """Carry out jobs until there are no more: what a worker does all its life."""
    _end_with(parent)
    if FORKS:
        _let_go(pipe.fileno())
    os.setpgid(0, 0)  # Ctrl-C is for the command, which passes it on: it would come twice
    signals.forget()
    signals.keep()
    threadpool_limits(1)
    try:
        while True:
            packed = pipe.recv_bytes()
            pipe.send((DONE, work(packed, Tell(pipe))))
    except (EOFError, BrokenPipeError):
        pass
    except KeyboardInterrupt:  # the job that it broke off is recorded
        sys.exit(128 + signal.SIGINT)


def _end_with(parent: int) -> None:
    """Have this process end when the command does, even where that is killed."""
    if not FORKS:
        threading.Thread(target=_wait_for_parent, daemon=True).start()
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed just before
        os._exit(1)


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _let_go(kept: int) -> None:
    """Let pipes that a fork has left open lead nowhere: whoever reads them waits for their end.

    They are not closed, since Python's objects would close what takes their number later.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    numbers = [int(each.name) for each in Path("/proc/self/fd").iterdir()]
    for number in numbers:
        with suppress(OSError):
            mode = os.fstat(number).st_mode
            inherited = number > 2 and number != kept
            if number == 0 or (inherited and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))):
                os.dup2(nowhere, number)
    os.close(nowhere)
