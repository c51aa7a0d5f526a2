"""An update: how the gradients of a batch move v, from Σ ∇C_x to Δv."""

from dataclasses import dataclass, field

import numpy as np

from gdexp.descent.penalties import Penalty
from gdexp.descent.problem import Problem, Vector
from gdexp.descent.rules import Plain, Rule
from gdexp.descent.scaling import Scaling
from gdexp.errors import real


@dataclass(frozen=True)
class Update:
    """Scaling, penalty, clipping and rule, in this order.

    Parameters
    ----------
    scaling : Scaling
        Turns Σ ∇C_x into the estimate g.
    rule : Rule
        Turns g into Δv.
    penalty : Penalty
        Its gradient is part of g.
    clip : float, optional
        The largest ‖g‖: a longer g is shortened to it (Pascanu, Mikolov & Bengio 2013, alg. 1),
        times clip/‖g‖; PyTorch divides by ‖g‖ + 1e-6.

    Raises
    ------
    SettingError
        Where `clip` is not a number > 0.
    """

    scaling: Scaling = field(default_factory=Scaling)
    rule: Rule = field(default_factory=Plain)
    penalty: Penalty = field(default_factory=Penalty)
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None:
            real("clip", self.clip, "1.0")

    @property
    def bare(self) -> bool:
        """Whether it is v → v − η (/ m) Σ ∇C_x and no more."""
        return isinstance(self.rule, Plain) and not self.penalty.active and self.clip is None

    def other_eta(self, eta: float, m: int) -> float | None:
        """Give the η of the same descent under the other convention; None where there is none."""
        if self.clip is not None:
            return None
        return self.scaling.other_eta(eta, m) if self.rule.linear else eta

    def step(self, problem: Problem, v: Vector, nabla: Vector, m: int, step: "Step") -> Vector:
        """Give Δv for Σ ∇C_x of m examples, which is overwritten."""
        if self.bare:
            nabla *= -self.scaling.of_update(step.eta, m)  # one rounding, as the engines do
            return nabla
        g = self.estimate(problem, v, nabla, m)
        return self.rule.step(g, v, step.eta, step.number, step.memory)

    def estimate(self, problem: Problem, v: Vector, nabla: Vector, m: int) -> Vector:
        """Give g: Σ ∇C_x of m examples under the penalty, the scaling and the clipping."""
        if self.penalty.active:
            self.penalty.add(problem, v, nabla, m / problem.n)
        nabla *= self.scaling.of_update(1.0, m)
        if self.clip is not None and (length := float(np.linalg.norm(nabla))) > self.clip:
            nabla *= self.clip / length
        return nabla


@dataclass(frozen=True)
class Step:
    """Which update it is: its learning rate, its number from 1, and the rule's memory."""

    eta: float
    number: int
    memory: dict[str, Vector]
