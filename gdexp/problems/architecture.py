"""The network's layers: how many units, which activations, how the weights are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gdexp.errors import SettingError, one_of
from gdexp.problems.feedforward import ACTIVATIONS, Activation, Array, Layer
from gdexp.problems.targets import Binary, Numbers, OneHot, Targets

Rng = np.random.Generator
MOST_UNITS = 1_000_000  # of a layer


def _normal(rng: Rng, n_in: int, n_out: int) -> Layer:
    return rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out)


def _scaled_normal(rng: Rng, n_in: int, n_out: int) -> Layer:
    w, b = _normal(rng, n_in, n_out)
    return w / np.sqrt(n_in), b


def _zero_bias(variance: Callable[[int, int], float]) -> Callable[[Rng, int, int], Layer]:
    def draw(rng: Rng, n_in: int, n_out: int) -> Layer:
        w: Array = rng.normal(0, np.sqrt(variance(n_in, n_out)), (n_out, n_in))
        return w, np.zeros(n_out)

    return draw


INITIALIZATIONS: dict[str, Callable[[Rng, int, int], Layer]] = {
    "normal": _normal,
    "scaled_normal": _scaled_normal,
    "glorot": _zero_bias(lambda n_in, n_out: 2 / (n_in + n_out)),
    "he": _zero_bias(lambda n_in, n_out: 2 / n_in),
}


@dataclass(frozen=True)
class Architecture:
    """A fully connected network, but for the sizes of its input and output, which the data give.

    Parameters
    ----------
    hidden : sequence of int
        Units of each hidden layer; empty for none.
    activation, output_activation : str
        Of the hidden layers and of the output layer: sigmoid, tanh, relu, identity, softmax.
    initialization : str
        ``normal``: weights and biases from N(0, 1) (Nielsen, ch. 1).
        ``scaled_normal``: weights from N(0, 1/n_in), biases from N(0, 1) (Nielsen, ch. 3).
        ``glorot``: weights from N(0, 2/(n_in + n_out)), biases 0 (Glorot & Bengio 2010, eq. 12;
        the uniform form of the same variance is common too). ``he``: weights from N(0, 2/n_in),
        biases 0 (He et al. 2015, eq. 10).
    outputs : {"per_class", "one"}
        Output units: one for each class, or a single one for two classes, whose target is the
        label. For data whose targets are numbers there is one, in any case.

    Raises
    ------
    SettingError
        Where a layer is empty or a name is not one of those above.
    """

    hidden: Sequence[int]
    activation: str = "sigmoid"
    output_activation: str = "sigmoid"
    initialization: str = "normal"
    outputs: str = "per_class"

    def __post_init__(self) -> None:
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence):
            raise SettingError(
                "hidden",
                f"a list of whole numbers from 1 to {MOST_UNITS:,}",
                self.hidden,
                "[20,20]",
            )
        if not all(
            isinstance(k, int) and not isinstance(k, bool) and 1 <= k <= MOST_UNITS
            for k in self.hidden
        ):
            got = list(self.hidden)
            raise SettingError(
                "hidden", f"a list of whole numbers from 1 to {MOST_UNITS:,}", got, "[20,20]"
            )
        object.__setattr__(self, "hidden", tuple(self.hidden))
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("output_activation", self.output_activation, ACTIVATIONS)
        one_of("initialization", self.initialization, INITIALIZATIONS)
        one_of("outputs", self.outputs, ("per_class", "one"))

    def targets(self, classes: int) -> Targets:
        """Say what the outputs are to be, for so many classes, or 0 for numbers.

        Raises
        ------
        SettingError
            Where the output layer does not suit them.
        """
        if classes == 0:
            if self.output_activation != "identity":
                advice = "Or take architecture=regression."
                allowed = "identity, where the targets are numbers"
                raise SettingError(
                    "architecture.output_activation",
                    allowed,
                    self.output_activation,
                    "identity",
                    advice,
                )
            return Numbers()
        if self.outputs == "per_class":
            return OneHot(classes)
        if classes != 2:
            allowed, advice = f"per_class, for {classes} classes", "Or take architecture=hidden_30."
            raise SettingError("architecture.outputs", allowed, "one", "per_class", advice)
        if self.output_activation == "softmax":
            allowed = "another than softmax, which is 1 for a single output"
            raise SettingError("architecture.output_activation", allowed, "softmax", "sigmoid")
        return Binary()

    def sizes(self, n_in: int, n_out: int) -> tuple[int, ...]:
        """Units of every layer, input and output included: (784, 30, 10)."""
        return (n_in, *self.hidden, n_out)

    @property
    def names(self) -> list[str]:
        """Names of the activations, one a layer from the first hidden one to the output."""
        return [self.activation] * len(self.hidden) + [self.output_activation]

    @property
    def activations(self) -> list[Activation]:
        """The activations, one a layer."""
        return [ACTIVATIONS[name] for name in self.names]

    def draw(self, rng: Rng, n_in: int, n_out: int) -> Layer:
        """Draw one layer: weights (n_out, n_in) and biases (n_out,), in float64."""
        return INITIALIZATIONS[self.initialization](rng, n_in, n_out)
