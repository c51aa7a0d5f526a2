"""The code of a tracked model: MLflow runs a copy of this file, beside one of `feedforward`."""

from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray


class NetworkModel(PythonModel):
    """Gives the output activations, (m, k), of inputs scaled as in training, (m, n_in)."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the parameters."""
        # Not at the top of the file: MLflow runs it, too, while it saves the model.
        import feedforward  # type: ignore[import-not-found]

        self.feedforward = feedforward
        with np.load(context.artifacts["parameters"], allow_pickle=False) as arrays:
            self.activations = [
                feedforward.ACTIVATIONS[name] for name in arrays["activations"].tolist()
            ]
            ls = range(1, len(self.activations) + 1)
            self.layers = [(arrays[f"w{l}"], arrays[f"b{l}"]) for l in ls]

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # MLflow knows the bare type only
        params: dict[str, Any] | None = None,
    ) -> NDArray[Any]:
        """Feed the inputs forward."""
        a: NDArray[Any] = self.feedforward.outputs(self.layers, self.activations, model_input)
        return a


set_model(NetworkModel())
