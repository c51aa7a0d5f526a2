"""What checkpoints cost: ``python -m benchmarks.checkpoints`` writes the table of docs/resuming.md.

Networks on the digits under Adam, whose state is three times the parameters. The state is copied
every PAUSE seconds, and written every `checkpoint.seconds`, or less often where that takes long;
what both take of the time is the share.
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import document, timing
from gdexp.data import Digits
from gdexp.descent import Adam, State
from gdexp.diagnostics import Inspection
from gdexp.keeper import PAUSE, SHARE, Keeper
from gdexp.problems import Architecture, Network, Quadratic
from gdexp.tracking import Checkpointing, Journal

UNITS = (30, 1000, 10_000, 100_000)
ROUNDS = 5
HEAD = ("parameters", "copy, ms", "write, ms", "share of the time")


def row(units: int, folder: Path) -> list[str]:
    """Measure a network of one hidden layer; gives the row of the table."""
    network = Network(Architecture([units]), Quadratic(), Digits().load())
    state = State.begin(network, 0)
    state.memory = Adam().start(state.v)
    looking = Inspection({}, network, network, folder, 0)
    journal = Journal(folder)
    keeper = Keeper(Checkpointing(), folder, state, looking, journal, time.perf_counter())
    copies, writes = [], []
    for state.epoch in range(ROUNDS):
        copies.append(timing.seconds(keeper.copy))
        writes.append(timing.seconds(keeper.write))
    copy, write = statistics.median(copies), statistics.median(writes)
    often = Checkpointing().seconds or 0.0
    share = copy / max(PAUSE, copy / SHARE) + write / max(often, write / SHARE)
    return [f"{network.size:,}", f"{1e3 * copy:.2g}", f"{1e3 * write:.2g}", f"{share:.2%}"]


def main() -> None:
    """Measure all, and write the table."""
    rows = []
    for units in UNITS:
        with tempfile.TemporaryDirectory(dir=".") as folder:  # a disk, which /tmp may not be
            rows.append(row(units, Path(folder)))
    lines = document.table(HEAD, rows)
    print("\n".join(lines))
    document.put("resuming.md", "python -m benchmarks.checkpoints", lines)


if __name__ == "__main__":
    main()
