"""A model's folder but for its parameters, as MLflow writes it, without what that imports.

`mlflow.pyfunc` needs data frames, which take 0.5 s of CPU to import. Other versions of MLflow may
write something else: they do so themselves.
"""

import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import yaml
from mlflow.models import Model
from mlflow.types.schema import Schema, TensorSpec
from mlflow.utils import environment

import gdexp.problems.feedforward as feedforward

PARAMETERS = "model.npz"
CODE = Path(__file__).with_name("model_code.py")
EMPTY = 22  # bytes of an .npz without arrays: MLflow counts files before the parameters are in

Written = tuple[dict[str, bytes], Model]

# MLflow would look through the files of all installed packages, for half a second, to check two
# requirements that are read from what is installed. Where a later MLflow has it elsewhere, it does.
if hasattr(environment, "warn_dependency_requirement_mismatches"):
    environment.warn_dependency_requirement_mismatches = lambda requirements: None


@dataclass(frozen=True)
class Signature:
    """What `mlflow.models.ModelSignature` says of arrays."""

    inputs: Schema
    outputs: Schema
    _is_signature_from_type_hint = _is_type_hint_from_example = False

    def to_dict(self) -> dict[str, Any]:
        """Give it as a model's description has it."""
        sides = {"inputs": self.inputs.to_json(), "outputs": self.outputs.to_json()}
        return {**sides, "params": None}


def requirements() -> list[str]:
    """Name what a model needs; given, since finding that out would take seconds."""
    return [f"mlflow=={mlflow.__version__}", f"numpy=={np.__version__}"]


def schemas(n_in: int, n_out: int, dtype: np.dtype[Any]) -> tuple[Schema, Schema]:
    """Describe inputs and outputs."""
    inputs, outputs = (Schema([TensorSpec(dtype, (-1, n))]) for n in (n_in, n_out))
    return inputs, outputs


def written(n_in: int, n_out: int, dtype: np.dtype[Any]) -> Written:
    """Give the files of a model of these sizes, and its description."""
    code, network = CODE.read_bytes(), Path(str(feedforward.__file__))
    inside: Any = environment
    conda, needed, _ = inside._process_pip_requirements(None, requirements())
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        inside._PythonEnv.current().to_yaml(file.name)
        python = Path(file.name).read_bytes()
    files = {
        CODE.name: code,
        f"code/{network.name}": network.read_bytes(),
        "requirements.txt": "\n".join(needed).encode(),
        "conda.yaml": yaml.safe_dump(conda, default_flow_style=False).encode(),
        "python_env.yaml": python,
    }
    model = Model(model_size_bytes=len(code) + EMPTY)
    model.signature = Signature(*schemas(n_in, n_out, dtype))
    return files, model.add_flavor("python_function", **_flavor())


def _flavor() -> dict[str, Any]:
    return {
        "artifacts": {"parameters": {"path": f"artifacts/{PARAMETERS}"}},
        "cloudpickle_version": version("cloudpickle"),
        "code": "code",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.pyfunc.loaders.code_model",
        "model_code_path": str(CODE),
        "python_version": ".".join(str(each) for each in sys.version_info[:3]),
        "streamable": False,
    }


def by_mlflow(n_in: int, n_out: int, dtype: np.dtype[Any]) -> Written:
    """Have MLflow write it; files are kept in memory, and none stays where this is killed."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature

    with tempfile.TemporaryDirectory(prefix="gdexp-model-") as folder:
        empty, model = Path(folder, PARAMETERS), Path(folder, "model")
        np.savez(empty)
        mlflow.pyfunc.save_model(
            model,
            python_model=str(CODE),
            code_paths=[str(feedforward.__file__)],
            artifacts={"parameters": str(empty)},
            pip_requirements=requirements(),
            signature=ModelSignature(*schemas(n_in, n_out, dtype)),
        )
        files = [file for file in model.rglob("*") if file.is_file()]
        content = {str(file.relative_to(model)): file.read_bytes() for file in files}
        return content, Model.load(str(model))
