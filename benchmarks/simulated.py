"""A cluster of many workers that train nothing: ``python -m benchmarks.simulated WORKERS``.

Workers are threads of one process. A job takes as many seconds as its tag says, computes nothing,
and comes back with the files of a real one: what the command does is what it does for real ones.
"""

import pickle
import sys
import tempfile
import threading
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

SECONDS = "seconds"  # the tag
files: list[bytes] = []  # of the first job, which is a real one
first = threading.Lock()


def simulated(order: Order) -> Answer:
    """Take the time of a job."""
    attempt, request = uuid.uuid4().hex, pickle.loads(order.request)
    Reporter(get_worker(), order, attempt, Path("nowhere")).begin()
    with first:
        if not files:
            with tempfile.TemporaryDirectory() as name:
                performed(replace(request, output=Path(name)), lambda what: None)
                files.append(packed(gathered(Path(name))))
    time.sleep(float(request.tags[SECONDS]))
    return Answer(attempt, 0.0, "", files[0])


def main(workers: int) -> None:
    """Have a cluster until standard input ends; says its address."""
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
    main(int(sys.argv[1]))
