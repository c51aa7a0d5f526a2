"""The hold on a folder: at most one process at a time trains a run or a sweep, or feeds it.

And whether there is such a process.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gdexp.process import alive

PAUSE = 0.02  # seconds between two tries
LONGEST = 4096  # characters of a word that is left


class Hold:
    """Holds a folder until it is let go, or the process ends, however that happens.

    The system keeps it (``flock``), so a process that was killed holds nothing.

    Parameters
    ----------
    folder : Path
    name : str
        What is held; the file that stands for it.

    Raises
    ------
    BlockingIOError
        Where another process holds it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(self._file).st_nlink == 0:  # removed by who held it, since it was opened
                raise BlockingIOError
        except BaseException:
            os.close(self._file)
            raise

    def tell(self, text: str) -> None:
        """Leave a word for those who find it held; `holder` reads it."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def let_go(self, *, remove: bool = False) -> None:
        """Hold it no more; `remove`: nobody will again."""
        if self._file < 0:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def patiently(
    folder: Path, name: str, seconds: float, goes_on: Callable[[], bool] = lambda: True
) -> Hold:
    """Hold a folder, once whoever holds it lets it go.

    Parameters
    ----------
    folder, name
        As of a `Hold`.
    seconds : float
        How long to wait.
    goes_on : callable
        Says whether it makes sense to wait on.

    Raises
    ------
    BlockingIOError
        Where another process holds it still.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return Hold(folder, name)
        except BlockingIOError:
            if time.monotonic() > end or not goes_on():
                raise
        time.sleep(PAUSE)


def holder(folder: Path, name: str) -> str:
    """Give the word that the last holder left; empty where there is none."""
    try:
        with (folder / name).open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST)
    except OSError:
        return ""


RUN = "run.lock"  # who trains, or carries a sweep out
FEED = "feed.lock"  # who brings the journal into MLflow
TRAINING, FEEDING = "gdexp.pid", "gdexp.feeder_pid"  # the tags that name them
PROCESSES = {TRAINING: "gdexp.pid_began", FEEDING: "gdexp.feeder_began"}  # and when they began


def held(folder: Path, name: str) -> bool:
    """Whether a process of this machine holds a folder."""
    try:
        file = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # where there are no locks, nobody can have one
        return False
    finally:
        os.close(file)
    return False


def in_hand(tags: Mapping[str, str], names: Iterable[str] = PROCESSES) -> bool:
    """Whether a process that a run's tags name, of this machine, is there.

    Parameters
    ----------
    tags : mapping of str to str
    names : iterable of str
        Which are meant: who trains, who feeds it.
    """
    pids = {name: tags.get(name, "") for name in names}
    return any(
        pid.isdecimal() and alive(int(pid), tags.get(PROCESSES[name], ""))
        for name, pid in pids.items()
    )
