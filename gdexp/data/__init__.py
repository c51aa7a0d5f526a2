"""Where examples come from: the digits that need nothing, and MNIST."""

from gdexp.data.digits import Digits
from gdexp.data.examples import Batch, Dataset, Examples
from gdexp.data.mnist import Mnist

__all__ = ["Batch", "Dataset", "Digits", "Examples", "Mnist"]
