"""MLflow alone, as a process: import it, open a store, log one batch to a run, and end.

``python benchmarks/bare_mlflow.py FOLDER`` prints the seconds since its start after each step. Of
everything in MLflow it uses the least with which a run can be tracked: a client and one batch.
"""

import sys
import time

began = time.perf_counter()


def tell(step: str) -> None:
    print(f"{step}: {time.perf_counter() - began:.3f}", flush=True)


tell("started")

import mlflow  # noqa: E402
from mlflow.entities import Metric  # noqa: E402

tell("imported")
client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{sys.argv[1]}/bare.db")
experiment = client.get_experiment("0")
tell("opened")
run_id = client.create_run(experiment.experiment_id).info.run_id
client.log_batch(run_id, metrics=[Metric("cost", 0.5, 0, step) for step in range(3)])
client.set_terminated(run_id)
tell("logged")
