"""What is minimised: a network's cost on a data set."""

from gdexp.problems.architecture import INITIALIZATIONS, Architecture
from gdexp.problems.costs import Cost, CrossEntropy, Quadratic
from gdexp.problems.feedforward import ACTIVATIONS, Activation
from gdexp.problems.network import Network, NetworkProblem

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "Activation",
    "Architecture",
    "Cost",
    "CrossEntropy",
    "Network",
    "NetworkProblem",
    "Quadratic",
]
