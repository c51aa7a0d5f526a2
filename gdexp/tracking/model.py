"""A trained network as an MLflow model: code and arrays, no pickle."""

from pathlib import Path

import mlflow
import mlflow.pyfunc
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from mlflow.utils import environment

import gdexp.problems.feedforward as feedforward

# MLflow would look through the files of all installed packages, for half a second, to check two
# requirements that are read from what is installed. Where a later MLflow has it elsewhere, it does.
if hasattr(environment, "warn_dependency_requirement_mismatches"):
    environment.warn_dependency_requirement_mismatches = lambda requirements: None


def save(folder: Path, parameters: Path) -> None:
    """Write a model folder that `mlflow.pyfunc.load_model` reads.

    Parameters
    ----------
    folder : Path
        To be made.
    parameters : Path
        The ``.npz`` of `record.Record.save_model`.
    """
    with np.load(parameters, allow_pickle=False) as arrays:
        last = max(int(name[1:]) for name in arrays.files if name[0] == "w")
        n_in, n_out, dtype = arrays["w1"].shape[1], len(arrays[f"b{last}"]), arrays["w1"].dtype
    mlflow.pyfunc.save_model(
        folder,
        python_model=str(Path(__file__).with_name("model_code.py")),
        code_paths=[str(feedforward.__file__)],
        artifacts={"parameters": str(parameters)},
        # Given, since finding them out would take seconds.
        pip_requirements=[f"mlflow=={mlflow.__version__}", f"numpy=={np.__version__}"],
        signature=ModelSignature(
            Schema([TensorSpec(dtype, (-1, n_in))]), Schema([TensorSpec(dtype, (-1, n_out))])
        ),
    )
