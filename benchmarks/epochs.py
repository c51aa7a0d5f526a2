"""Seconds of an epoch, ours and others', side by side in one run: ``make bench``.

MNIST, 50,000 training examples, training only, one thread; medians of rounds in which every program
has its turn. Peers that are not installed are left out: pip install 'gdexp[bench]'.
"""

import os
import platform
import statistics
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml
from threadpoolctl import threadpool_limits

from benchmarks.peers import PEERS, Epoch
from gdexp.data import Mnist
from gdexp.problems import Architecture, Network, Quadratic

DOC = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: make bench -->", "<!-- end -->"
WORKLOADS = {  # hidden layers, m (0: all), eta
    "784-30-10, m = 10": ([30], 10, 3.0),
    "m = 1": ([30], 1, 0.3),
    "m = 100": ([30], 100, 3.0),
    "full batch": ([30], 0, 3.0),
    "784-100-10, m = 10": ([100], 10, 3.0),
    "784-20-20-10, m = 10": ([20, 20], 10, 3.0),
}
ROUNDS, SLOW = 5, 2.0  # an epoch of more than SLOW seconds has two rounds


def measure(network: Network, m: int, eta: float) -> dict[str, float]:
    """Time every program that is there on one workload; gives medians by name."""
    epochs: dict[str, Epoch] = {}
    for name, make in PEERS.items():
        try:
            epochs[name] = make(network, m, eta)
        except ModuleNotFoundError as missing:
            print(f"{name}: not installed ({missing.name})", file=sys.stderr)
    seconds: dict[str, list[float]] = {name: [epoch()] for name, epoch in epochs.items()}
    for number in range(ROUNDS):
        for name, epoch in epochs.items():
            if number < 2 or seconds[name][0] < SLOW:
                seconds[name].append(epoch())
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


def table(found: dict[str, dict[str, float]]) -> list[str]:
    """Write seconds, and how many times as long as the compiled engine, as Markdown."""
    rows = ["| seconds an epoch | " + " | ".join(found) + " |", "| --- " * (len(found) + 1) + "|"]
    for name in next(iter(found.values())):
        cells = [
            f"{each[name]:.3g} ({each[name] / each['gdexp compiled']:.3g})"
            for each in found.values()
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def where() -> str:
    """Say what was measured on, and with which versions."""
    versions = []
    for package in ("numpy", "numba", "scikit-learn", "torch", "jax"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    named = names[0] if names else platform.processor()
    return f"{named}, one thread; Python {platform.python_version()}, {', '.join(versions)}."


def main() -> None:
    """Measure all workloads, and put the table into docs/performance.md."""
    dataset = Mnist(*_settings()).load()
    found = {}
    for name, (hidden, m, eta) in WORKLOADS.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        network = Network(Architecture(hidden), Quadratic(), dataset)
        with threadpool_limits(1):
            found[name] = measure(network, m or network.n, eta)
    text = "\n".join([BEGIN, "", *table(found), "", where(), "", END])
    before, _, rest = DOC.read_text(encoding="utf-8").partition(BEGIN)
    DOC.write_text(before + text + rest.partition(END)[2], encoding="utf-8")
    print(text)


def _settings() -> tuple[str | None, list[str]]:
    menu = yaml.safe_load((Path(__file__).parents[1] / "conf/data/mnist.yaml").read_text())
    return os.environ.get("GDEXP_DATA"), list(menu["mirrors"])


if __name__ == "__main__":
    main()
