"""gdexp's command, which then prints its peak memory in MB, and its feeder's.

A process inherits ru_maxrss from the one that starts it, so that a small process that is started by
a large one looks large. Where the system has /proc, the peak is read there.
"""

import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path

from gdexp.cli import main

UNIT = 1e6 if sys.platform == "darwin" else 1e6 / 1024  # of ru_maxrss: bytes there, else KiB
FEEDER, TICK = b"gdexp.tracking.feed", 0.05
PROC = Path("/proc")


def resident(pid: str) -> float:
    """Give the peak of a process until now, in MB; 0 where the system does not show it."""
    with suppress(OSError, IndexError):  # no /proc; or it has ended
        status = (PROC / pid / "status").read_text()
        return float(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    return 0.0


def feeders() -> float:
    """Give the largest peak of the feeders that run now."""
    found = [0.0]
    for children in (PROC / "self" / "task").glob("*/children"):
        with suppress(OSError):  # a thread or a child that has just ended
            for pid in children.read_text().split():
                if FEEDER in (PROC / pid / "cmdline").read_bytes():
                    found.append(resident(pid))
    return max(found)


def maximum(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / UNIT


def follow(peaks: list[float], ended: threading.Event) -> None:
    """Look again and again: a peak only grows, so that the last look counts."""
    while not ended.wait(TICK):
        peaks.append(feeders())


def run() -> None:
    """Run the command line that follows, and print both peaks."""
    peaks, ended = [0.0], threading.Event()
    threading.Thread(target=follow, args=(peaks, ended), daemon=True).start()
    try:
        main()
    finally:
        ended.set()
        itself = resident("self") or maximum(resource.RUSAGE_SELF)
        feeder = max(peaks) or maximum(resource.RUSAGE_CHILDREN)
        print(f"itself: {itself:.0f}\nfeeder: {feeder:.0f}", flush=True)


if __name__ == "__main__":
    run()
