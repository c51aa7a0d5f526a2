"""Gradient descent itself, in NumPy alone: batches, conventions, the loop, the gradient check."""

from gdexp.descent.gradcheck import central_differences, relative_error
from gdexp.descent.loop import Epoch, State, TrainEpoch, descent, train_epoch
from gdexp.descent.optimizers import FullGradient, MiniBatch, Online, Optimizer
from gdexp.descent.problem import Batch, Problem, Vector
from gdexp.descent.scaling import Scaling

__all__ = [
    "Batch",
    "Epoch",
    "FullGradient",
    "MiniBatch",
    "Online",
    "Optimizer",
    "Problem",
    "Scaling",
    "State",
    "TrainEpoch",
    "Vector",
    "central_differences",
    "descent",
    "relative_error",
    "train_epoch",
]
