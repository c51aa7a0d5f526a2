"""Regularisation: what is added to the cost so that weights stay small."""

from dataclasses import dataclass

import numpy as np

from gdexp.descent.problem import Problem, Vector
from gdexp.errors import real


@dataclass(frozen=True)
class Penalty:
    """λ₂/2 Σ w² + λ₁ Σ |w| over the weights, added to Σ C_x: biases go free.

    Under the mean scaling C is then 1/n Σ C_x + λ/2n Σ w², as in Nielsen, ch. 3, eq. 87, and with
    L1 as in eq. 95; under the sum scaling there is no 1/n in either part. An update by m of n
    examples takes m/n of the penalty's gradient, so that under the mean scaling a plain step is
    w → (1 − ηλ/n) w − η/m Σ ∇C_x (eq. 93), whatever m. PyTorch's ``weight_decay`` is λ/n here,
    and decays biases too.

    Parameters
    ----------
    l1, l2 : float
        λ₁ and λ₂, >= 0, in units of Σ C_x.

    Raises
    ------
    SettingError
        Where one is negative, or not a finite number.
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        real("l1", self.l1, "0.1", "[0, inf)")
        real("l2", self.l2, "0.1", "[0, inf)")

    @property
    def active(self) -> bool:
        """Whether it adds anything."""
        return self.l1 > 0 or self.l2 > 0

    def of(self, problem: Problem, v: Vector) -> float:
        """Give λ₂/2 Σ w² + λ₁ Σ |w| at v, in float64."""
        total = 0.0
        for w in problem.weights(v) if self.active else ():
            exact = w.astype(np.float64)
            total += 0.5 * self.l2 * float((exact * exact).sum())
            total += self.l1 * float(np.abs(exact).sum())
        return total

    def add(self, problem: Problem, v: Vector, nabla: Vector, share: float) -> None:
        """Add `share` times the penalty's gradient at v to nabla, in place."""
        for w, nabla_w in zip(problem.weights(v), problem.weights(nabla), strict=True):
            if self.l2:
                nabla_w += (share * self.l2) * w
            if self.l1:
                nabla_w += (share * self.l1) * np.sign(w)
