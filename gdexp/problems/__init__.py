"""What is minimised: a network's cost on a data set, a regression's, or a function."""

from gdexp.problems.architecture import INITIALIZATIONS, Architecture
from gdexp.problems.costs import Cost, CrossEntropy, Quadratic
from gdexp.problems.feedforward import ACTIVATIONS, Activation
from gdexp.problems.formula import Formula
from gdexp.problems.functions import Conditioned, Function, FunctionProblem, Surface
from gdexp.problems.linear_regression import LinearRegression, LinearRegressionProblem
from gdexp.problems.network import Network, NetworkProblem

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "Activation",
    "Architecture",
    "Conditioned",
    "Cost",
    "CrossEntropy",
    "Formula",
    "Function",
    "FunctionProblem",
    "LinearRegression",
    "LinearRegressionProblem",
    "Network",
    "NetworkProblem",
    "Quadratic",
    "Surface",
]
