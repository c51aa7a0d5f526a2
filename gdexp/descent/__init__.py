"""Gradient descent itself, in NumPy alone: batches, conventions, the loop, the gradient check."""

from gdexp.descent.gradcheck import central_differences, relative_error
from gdexp.descent.loop import Carrier, Epoch, Evaluation, Plain, State, descent
from gdexp.descent.optimizers import FullGradient, MiniBatch, Online, Optimizer
from gdexp.descent.problem import Batch, Problem, Vector
from gdexp.descent.scaling import Scaling

__all__ = [
    "Batch",
    "Carrier",
    "Epoch",
    "Evaluation",
    "FullGradient",
    "MiniBatch",
    "Online",
    "Optimizer",
    "Plain",
    "Problem",
    "Scaling",
    "State",
    "Vector",
    "central_differences",
    "descent",
    "relative_error",
]
