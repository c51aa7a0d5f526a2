"""Two runs in two threads against one: the compiled epoch lets other threads run meanwhile.

Not pinned: it needs two free cores, and anything else that runs on them shows. What two cores give
at most is measured beside it, by two runs in two processes, which share no lock.
"""

import os
import threading

from threadpoolctl import threadpool_limits

from benchmarks import mnist, section, timing
from benchmarks.document import table
from benchmarks.peers import PEERS

EPOCHS = 8  # of a run: quick, so that it has eight turns a round


def main(rounds: int) -> list[str]:
    """Measure one run, and two at once; gives the table, or says why there is none."""
    if timing.cores() < 2:
        return ["Only one core was available: two threads were not measured."]
    section.step("one run, and two in two threads")
    network = mnist.network(mnist.load(), [30])
    runs = [PEERS["gdexp compiled"](network, 10, 1.0).epoch for _ in range(2)]

    def train(epoch: timing.Action) -> None:
        for _ in range(EPOCHS):
            epoch()

    def both() -> None:
        threads = [threading.Thread(target=train, args=(epoch,)) for epoch in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def apart() -> None:
        pid = os.fork()
        train(runs[bool(pid)])
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)

    ways = {"one run": lambda: train(runs[0]), "two, in threads": both, "two, in processes": apart}
    with threadpool_limits(1):
        found = timing.medians(ways, rounds)
    rows = [[way, f"{took:.3f}", f"{took / found['one run']:.2f}"] for way, took in found.items()]
    return table([f"784-30-10, m = 10, compiled, {EPOCHS} epochs", "s", "times one run"], rows)


if __name__ == "__main__":
    section.run("threads", __doc__, main)
