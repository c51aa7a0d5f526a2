"""A trained network as an MLflow model: code and arrays, no pickle."""

import uuid
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow
import numpy as np

from gdexp.errors import GdexpError
from gdexp.tracking import parameters
from gdexp.tracking.lean import KNOWN
from gdexp.tracking.model_folder import PARAMETERS, Written, by_mlflow, written


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
def _pattern(n_in: int, n_out: int, dtype: np.dtype[Any]) -> Written:
    """Make a model of these sizes once: all but its parameters is always the same."""
    known = mlflow.__version__.startswith(KNOWN)
    return (written if known else by_mlflow)(n_in, n_out, dtype)
