"""A trained network as an MLflow model: code and arrays, no pickle."""

import atexit
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
import numpy as np
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from mlflow.utils import environment

import gdexp.problems.feedforward as feedforward

PARAMETERS = "model.npz"

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
    pattern, model = _pattern(n_in, n_out, dtype)
    shutil.copytree(pattern, folder)
    shutil.copyfile(parameters, folder / "artifacts" / PARAMETERS)
    model.model_uuid = uuid.uuid4().hex
    model.utc_time_created = str(datetime.now(UTC).replace(tzinfo=None))
    model.flavors["python_function"]["artifacts"]["parameters"]["uri"] = str(parameters)
    model.save(folder / "MLmodel")


@lru_cache(maxsize=8)
def _pattern(n_in: int, n_out: int, dtype: np.dtype[Any]) -> tuple[Path, Model]:
    """Have MLflow write a model of these sizes once: all but its parameters is always the same."""
    kept = Path(tempfile.mkdtemp(prefix="gdexp-model-"))
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    parameters = kept / PARAMETERS
    np.savez(parameters)
    mlflow.pyfunc.save_model(
        kept / "model",
        python_model=str(Path(__file__).with_name("model_code.py")),
        code_paths=[str(feedforward.__file__)],
        artifacts={"parameters": str(parameters)},
        # Given, since finding them out would take seconds.
        pip_requirements=[f"mlflow=={mlflow.__version__}", f"numpy=={np.__version__}"],
        signature=ModelSignature(
            Schema([TensorSpec(dtype, (-1, n_in))]), Schema([TensorSpec(dtype, (-1, n_out))])
        ),
    )
    return kept / "model", Model.load(str(kept / "model"))
