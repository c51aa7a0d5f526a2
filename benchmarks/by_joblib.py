"""A sweep as one would write it with Hydra, its joblib launcher and MLflow; see `sweeps`.

Each job trains as gdexp does, and calls MLflow as its documentation shows.
"""

import os
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig


@hydra.main(config_path=None, config_name=None, version_base="1.3")
def main(config: DictConfig) -> None:
    import mlflow
    import numpy as np

    from gdexp.data import Digits
    from gdexp.descent import MiniBatch, Scaling, State, descent
    from gdexp.problems import Architecture, Network, Quadratic

    mlflow.set_tracking_uri(os.environ["STORE"])
    mlflow.set_experiment("joblib")
    problem = Network(Architecture(hidden=[30]), Quadratic(), Digits().load(), np.float32)
    state = State.begin(problem, int(config.seed))
    with mlflow.start_run():
        mlflow.log_params(dict(config))
        for epoch in descent(
            problem, MiniBatch(10), Scaling("mean", "mean"), state, eta=3.0, epochs=config.epochs
        ):
            for name, part in epoch.parts.items():
                mlflow.log_metric(f"{name}/cost", part.cost, step=epoch.number)
                mlflow.log_metric(f"{name}/accuracy", part.accuracy or 0.0, step=epoch.number)
        folder = Path(HydraConfig.get().runtime.output_dir)
        np.savez(folder / "model.npz", v=state.v)
        mlflow.log_artifact(str(folder / "model.npz"))


if __name__ == "__main__":
    main()
