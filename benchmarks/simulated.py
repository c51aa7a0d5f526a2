"""A cluster of many workers that train nothing: ``python -m benchmarks.simulated WORKERS SECONDS``.

Workers are threads of one process. Each job takes so many seconds, computes nothing, and comes back
with the files of a real one, so that what the command does is what it does for real ones.
"""

import functools
import pickle
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

import dask
from distributed import LocalCluster, get_worker

from gdexp.cluster import working
from gdexp.cluster.parcels import Answer, Order, gathered, packed
from gdexp.cluster.reporting import Reporter
from gdexp.sweeps.performing import performed


@functools.cache
def trained(request: bytes) -> bytes:
    """Carry a job out once, for the files that it leaves."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        performed(replace(pickle.loads(request), output=folder), lambda what: None)
        return packed(gathered(folder))


def main(workers: int, seconds: float) -> None:
    """Have a cluster until standard input ends; says its address."""
    files: list[bytes] = []

    def simulated(order: Order) -> Answer:
        attempt = uuid.uuid4().hex
        Reporter(get_worker(), order, attempt, Path("nowhere")).begin()
        began = time.monotonic()
        if not files:
            files.append(trained(order.request))
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        return Answer(attempt, 0.0, "", files[0])

    working.carried_out = simulated
    saturation = {"distributed.scheduler.worker-saturation": 1.0}
    with (
        dask.config.set(saturation),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            memory_limit=None,
            dashboard_address=None,
        ) as cluster,
    ):
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
