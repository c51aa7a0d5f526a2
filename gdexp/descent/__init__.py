"""Gradient descent itself, in NumPy alone: batches, conventions, rules, the loop, the check."""

from gdexp.descent.arriving import Arriving, Stream
from gdexp.descent.carrier import Carrier, Rates, Stepwise
from gdexp.descent.costing import Costing
from gdexp.descent.epoch import Epoch, thinned
from gdexp.descent.gradcheck import central_differences, relative_error
from gdexp.descent.loop import Evaluation, descent
from gdexp.descent.optimizers import First, FullGradient, MiniBatch, Online, Optimizer, Pace
from gdexp.descent.penalties import Penalty
from gdexp.descent.problem import Batch, Problem, Vector
from gdexp.descent.rules import (
    Adagrad,
    Adam,
    AdamW,
    FixedLength,
    Momentum,
    Nesterov,
    Plain,
    RMSprop,
    Rule,
)
from gdexp.descent.scaling import Scaling
from gdexp.descent.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    Plateau,
    Schedule,
    StepDecay,
)
from gdexp.descent.state import Past, State
from gdexp.descent.stops import AfterEpochs, Budget, Early, Stop, Target, Tolerance
from gdexp.descent.stream import Batches, Learner, stream
from gdexp.descent.update import Step, Update

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "AfterEpochs",
    "Arriving",
    "Batch",
    "Batches",
    "Budget",
    "Carrier",
    "Constant",
    "Cosine",
    "Costing",
    "Early",
    "Epoch",
    "Evaluation",
    "Exponential",
    "First",
    "FixedLength",
    "FullGradient",
    "InverseTime",
    "Learner",
    "MiniBatch",
    "Momentum",
    "Nesterov",
    "Online",
    "Optimizer",
    "Pace",
    "Past",
    "Penalty",
    "Plain",
    "Plateau",
    "Problem",
    "RMSprop",
    "Rates",
    "Rule",
    "Scaling",
    "Schedule",
    "State",
    "Step",
    "StepDecay",
    "Stepwise",
    "Stop",
    "Stream",
    "Target",
    "Tolerance",
    "Update",
    "Vector",
    "central_differences",
    "descent",
    "relative_error",
    "stream",
    "thinned",
]
