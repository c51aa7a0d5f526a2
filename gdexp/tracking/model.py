"""A trained network as an MLflow model: code and arrays, no pickle."""

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
from gdexp.errors import GdexpError
from gdexp.tracking import parameters

PARAMETERS = "model.npz"

# MLflow would look through the files of all installed packages, for half a second, to check two
# requirements that are read from what is installed. Where a later MLflow has it elsewhere, it does.
if hasattr(environment, "warn_dependency_requirement_mismatches"):
    environment.warn_dependency_requirement_mismatches = lambda requirements: None


def save(folder: Path, path: Path) -> None:
    """Write a model folder that `mlflow.pyfunc.load_model` reads.

    Parameters
    ----------
    folder : Path
        To be made.
    path : Path
        The ``.npz`` of `gdexp.record`.

    Raises
    ------
    GdexpError
        Where that is none.
    """
    arrays = parameters.read(path)
    try:
        last = max(int(name[1:]) for name in arrays if name[0] == "w")
        n_in, n_out, dtype = arrays["w1"].shape[1], len(arrays[f"b{last}"]), arrays["w1"].dtype
    except (ValueError, LookupError):
        raise GdexpError(f"{path}: has no weights and biases.") from None
    files, model = _pattern(n_in, n_out, dtype)
    for name, content in {**files, f"artifacts/{PARAMETERS}": path.read_bytes()}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    model.model_uuid = uuid.uuid4().hex
    model.utc_time_created = str(datetime.now(UTC).replace(tzinfo=None))
    model.flavors["python_function"]["artifacts"]["parameters"]["uri"] = str(path)
    model.save(folder / "MLmodel")


@lru_cache(maxsize=8)
def _pattern(n_in: int, n_out: int, dtype: np.dtype[Any]) -> tuple[dict[str, bytes], Model]:
    """Have MLflow write a model of these sizes once: all but its parameters is always the same.

    Its files are kept in memory, so that none stay behind where the process is killed.
    """
    with tempfile.TemporaryDirectory(prefix="gdexp-model-") as folder:
        empty, model = Path(folder, PARAMETERS), Path(folder, "model")
        np.savez(empty)
        mlflow.pyfunc.save_model(
            model,
            python_model=str(Path(__file__).with_name("model_code.py")),
            code_paths=[str(feedforward.__file__)],
            artifacts={"parameters": str(empty)},
            # Given, since finding them out would take seconds.
            pip_requirements=[f"mlflow=={mlflow.__version__}", f"numpy=={np.__version__}"],
            signature=ModelSignature(
                Schema([TensorSpec(dtype, (-1, n_in))]), Schema([TensorSpec(dtype, (-1, n_out))])
            ),
        )
        files = [file for file in model.rglob("*") if file.is_file()]
        content = {str(file.relative_to(model)): file.read_bytes() for file in files}
        return content, Model.load(str(model))
