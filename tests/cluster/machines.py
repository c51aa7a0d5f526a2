"""A cluster of separate machines, as near as one machine comes to it.

Where that is allowed, each process has a network namespace and an address of its own on a bridge,
and does not see the folder where the sweep is written. Elsewhere its loopback address is its own.
"""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

WHOLE = pytest.mark.skipif("GDEXP_CLUSTER_JOBS" not in os.environ, reason="takes long")
PORT = 8786
DASK = str(Path(sys.executable).with_name("dask"))
SOON = {  # what a cluster of many machines has in minutes, for want of a test's patience
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s",
}
_numbers = itertools.count(1)


@dataclass
class Machine:
    """One process with an address of its own."""

    name: str
    address: str
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """End it, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def cut_off(self) -> None:
        """Let nothing through to it, or from it, from now on."""
        if isolated():
            _ip("link", "set", self.name, "down")
        else:
            self.process.send_signal(signal.SIGSTOP)


class Network:
    """Addresses, and processes that have them.

    Parameters
    ----------
    folder : Path
        Each process has a folder below it.
    hidden : Path
        A folder that they do not see.
    """

    def __init__(self, folder: Path, hidden: Path) -> None:
        self.folder, self.hidden = folder, hidden
        self.machines: list[Machine] = []
        self._name = f"gd{os.getpid() % 10000}"
        self._subnet = f"10.213.{os.getpid() % 250}"
        hidden.mkdir(parents=True, exist_ok=True)
        if isolated():
            _ip("link", "add", self._name, "type", "bridge")
            _ip("addr", "add", f"{self._subnet}.1/24", "dev", self._name)
            _ip("link", "set", self._name, "up")

    def start(self, *words: str, **env: str) -> Machine:
        """Start ``dask`` with these words on a machine of its own; {address} is its address."""
        number = len(self.machines) + 2
        name = f"{self._name}n{number}"
        address = f"{self._subnet}.{number}" if isolated() else f"127.0.0.{number}"
        here = self.folder / name
        here.mkdir(parents=True)
        command = [DASK, *(word.format(address=address) for word in words)]
        if isolated():
            self._plug(name, address)
            hide = f'mount -t tmpfs none {self.hidden} && exec "$@"'
            command = ["ip", "netns", "exec", name, "sh", "-c", hide, "sh", *command]
        with (here / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=here,
                env={**os.environ, **SOON, "PYTHONPATH": str(ROOT), "TMPDIR": str(here), **env},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.machines.append(Machine(name, address, process))
        return self.machines[-1]

    def _plug(self, name: str, address: str) -> None:
        _ip("netns", "add", name)
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", name, "master", self._name, "up")
        for words in (
            ("addr", "add", f"{address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", name, *words)

    def close(self) -> None:
        """End all of it."""
        for machine in self.machines:
            machine.kill()
            if isolated():
                _ip("netns", "del", machine.name)
        if isolated():
            _ip("link", "del", self._name)


@contextmanager
def cluster(folder: Path, hidden: Path, workers: int, **env: str) -> Iterator[list[Machine]]:
    """Start a scheduler and workers, each by its own command; gives all, the scheduler first."""
    network = Network(folder, hidden)
    try:
        words = ("scheduler", "--host", "{address}", "--port", str(PORT), "--no-dashboard")
        scheduler = network.start(*words, **env)
        until(lambda: listens(scheduler.address))
        for _ in range(workers):
            network.start(
                *("worker", f"tcp://{scheduler.address}:{PORT}", "--host", "{address}"),
                *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", "."),
                **env,
            )
        yield network.machines
    finally:
        network.close()


def isolated() -> bool:
    """Whether processes can have network namespaces of their own here."""
    global _isolated
    if _isolated is None:
        _isolated = os.geteuid() == 0 and shutil.which("ip") is not None and _tried()
    return _isolated


_isolated: bool | None = None


def _tried() -> bool:
    name = f"gdtry{os.getpid() % 10000}"
    mounts = ["ip", "netns", "exec", name, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        _ip("link", "add", name, "type", "bridge")
        _ip("link", "del", name)
        _ip("netns", "add", name)
    except subprocess.CalledProcessError:
        return False
    try:
        return subprocess.run(mounts, capture_output=True, check=False).returncode == 0
    finally:
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def listens(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, PORT)) == 0


def until(holds: Any, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.1)
