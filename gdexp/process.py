"""Processes of this machine, told apart although the system gives their numbers again."""

import os
from pathlib import Path

PROC = Path("/proc")


def mark(pid: int) -> str:
    """Name when a process began, as no other of the same number did.

    Returns
    -------
    str
        The boot of the system, and the clock ticks from there; empty where the system does not
        say, or there is no such process.
    """
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot[:8]}-{_fields(pid)[19]}"
    except OSError:
        return ""


def alive(pid: int, began: str = "") -> bool:
    """Whether a process is there.

    Parameters
    ----------
    pid : int
    began : str
        Its `mark`, where that is known: another process with its number is not it.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    except OverflowError:
        return False
    now = mark(pid)
    return not (now and began and now != began) and not _ended(pid)


def _ended(pid: int) -> bool:
    """Whether it has ended, and only its number is still taken."""
    try:
        return _fields(pid)[0] == "Z"
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """Give what Linux tells of a process, from its state on: its name may hold anything."""
    return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
