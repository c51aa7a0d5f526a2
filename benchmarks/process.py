"""A command as a process of its own: wall-clock, CPU seconds, and when it printed what."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONG, FEW = 10.0, 2  # seconds of a command from which on it has FEW rounds
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}


@dataclass(frozen=True)
class Ran:
    """What a command took.

    Parameters
    ----------
    wall : float
        Seconds until it had ended.
    cpu : float
        Its CPU seconds, and those of the processes that it waited for.
    lines : sequence of (float, str)
        What it printed, each line with the seconds after which it came.
    peak : float
        MiB of resident memory at most, its own alone.
    errors : str
        What it printed on standard error.
    """

    wall: float
    cpu: float
    lines: Sequence[tuple[float, str]]
    peak: float = 0.0
    errors: str = ""

    def when(self, beginning: str) -> float:
        """Say after how many seconds the line came that begins so.

        Raises
        ------
        LookupError
            Where there is none.
        """
        for at, line in self.lines:
            if line.startswith(beginning):
                return at
        raise LookupError(f"no line begins with {beginning!r}")


@contextmanager
def on_cores(number: int) -> Iterator[None]:
    """Have what is started meanwhile use only so many cores; where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-number:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def python(words: Sequence[str], outputs: Path, number: int = 1) -> Ran:
    """Run Python with these words on so many cores, gdexp writing to `outputs`.

    Raises
    ------
    RuntimeError
        Where the command fails; with what it said.
    """
    env = environment(outputs)
    with tempfile.TemporaryFile("w+") as errors, on_cores(number):
        ran, status = _wait([sys.executable, *words], env, errors.fileno())
        errors.seek(0)
        told = errors.read()
    if status:
        raise RuntimeError(f"{' '.join(words)} ended with {status}: {told}")
    return replace(ran, errors=told)


def environment(outputs: Path) -> dict[str, str]:
    """Give the environment of a command that writes to `outputs`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    return {**kept, **QUIET, "GDEXP_OUTPUTS": str(outputs)}


def _wait(words: Sequence[str], env: Mapping[str, str], errors: int) -> tuple[Ran, int]:
    began = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
    )
    assert process.stdout is not None
    with process.stdout:
        lines = [(time.perf_counter() - began, line.decode().rstrip()) for line in process.stdout]
    # Unlike the total over all children, this tells of one command, with those it waited for.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB here
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit
    return Ran(wall, cpu, lines, peak), process.returncode


def interleaved(
    commands: Mapping[str, Sequence[str]], outputs: Path, number: int, rounds: int
) -> dict[str, list[Ran]]:
    """Run commands in turn, round after round; those of more than LONG seconds only FEW times."""
    found: dict[str, list[Ran]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, words in commands.items():
            if turn < FEW or found[name][0].wall < LONG:
                found[name].append(python(words, outputs, number))
    return found
