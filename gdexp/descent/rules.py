"""Rules: how an estimate g of the gradient becomes a step Δv.

Every rule follows PyTorch where works differ (`torch.optim`); the docstrings say where they do. η
is the learning rate of the update at hand, t its number from 1, and g what the scaling, the penalty
and the clipping have made of Σ ∇C_x. All operations are by coordinate.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gdexp.descent.problem import Vector
from gdexp.errors import real

Memory = dict[str, Vector]  # what a rule keeps from one update to the next, each of shape (p,)


class Rule(Protocol):
    """A rule; it has no state of its own: what it keeps is in its memory."""

    linear: bool  # whether Δv grows as g does; where not, it hardly depends on how long g is

    def start(self, v: Vector) -> Memory:
        """Give the memory to begin with, at the point v."""

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give Δv, (p,), for an estimate g, (p,), which it may overwrite; changes the memory."""


class _Forgetful:
    """A rule that keeps nothing."""

    def start(self, v: Vector) -> Memory:
        """Nothing is kept."""
        return {}


@dataclass(frozen=True)
class Plain(_Forgetful):
    """Δv = −η g: gradient descent as such (Nielsen, ch. 1, eq. 10)."""

    linear = True

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give −η g."""
        g *= -eta
        return g


@dataclass(frozen=True)
class FixedLength(_Forgetful):
    """Δv = −ε g/‖g‖: of all moves of the small length ε the one that reduces C most.

    ε is the learning rate η, so that schedules apply to it. (Nielsen, ch. 1, the exercise after
    eq. 15: by Cauchy-Schwarz.) Where g is zero there is no move. Others call it normalised gradient
    descent, and some divide by ‖g‖ + δ instead.
    """

    linear = False

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give −η g/‖g‖."""
        length = float(np.linalg.norm(g))
        if length > 0:
            g *= -eta / length
        return g


@dataclass(frozen=True)
class Momentum:
    """Δv = −η u with u ← μ u + g: the heavy ball (Polyak 1964), u beginning as the first g.

    Nielsen (ch. 3, eqs. 107, 108) and Sutskever et al. (2013) keep the velocity −η u instead: the
    same where η is constant, but there a change of η acts on new gradients only. Dampening, g
    times 1 − d, is 0 here, as by default in PyTorch.

    Parameters
    ----------
    mu : float
        μ, in [0, 1): the share of the velocity that is kept.

    Raises
    ------
    SettingError
        Where it is out of range.
    """

    mu: float
    linear = True

    def __post_init__(self) -> None:
        real("mu", self.mu, "0.9", "[0, 1)")

    def start(self, v: Vector) -> Memory:
        """Begin at rest."""
        return {"u": np.zeros_like(v)}

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give −η u."""
        u = memory["u"]
        u *= self.mu
        u += g
        return np.multiply(u, -eta, out=g)


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Δv = −η (g + μ u) with u ← μ u + g: Nesterov's accelerated gradient (1983).

    In the form of Sutskever et al. (2013), as PyTorch has it: g is taken at v itself, and v is the
    point that the original calls the look-ahead.
    """

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give −η (g + μ u)."""
        u = memory["u"]
        u *= self.mu
        u += g
        g += self.mu * u
        g *= -eta
        return g


@dataclass(frozen=True)
class Adagrad:
    """Δv = −η g/(√s + ε) with s ← s + g² (Duchi, Hazan & Singer 2011).

    ε stands outside the root, as in PyTorch; TensorFlow puts it inside, and begins s at 0.1.

    Parameters
    ----------
    epsilon : float
        ε > 0, in units of g.

    Raises
    ------
    SettingError
        Where it is not positive.
    """

    epsilon: float = 1e-10
    linear = False

    def __post_init__(self) -> None:
        real("epsilon", self.epsilon, "1e-10")

    def start(self, v: Vector) -> Memory:
        """Begin with s = 0."""
        return {"s": np.zeros_like(v)}

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Add g² to s, and give −η g/(√s + ε)."""
        s = memory["s"]
        s += g * g
        g *= -eta
        g /= np.sqrt(s) + self.epsilon
        return g


@dataclass(frozen=True)
class RMSprop:
    """Δv = −η g/(√s + ε) with s ← α s + (1 − α) g² (Hinton, lecture 6e of 2012).

    ε stands outside the root, as in PyTorch; TensorFlow 1 had it inside. Not centred, and without
    momentum.

    Parameters
    ----------
    alpha : float
        α, in [0, 1): how much of s is kept.
    epsilon : float
        ε > 0, in units of g.

    Raises
    ------
    SettingError
        Where one is out of range.
    """

    alpha: float = 0.99
    epsilon: float = 1e-8
    linear = False

    def __post_init__(self) -> None:
        real("alpha", self.alpha, "0.99", "[0, 1)")
        real("epsilon", self.epsilon, "1e-8")

    def start(self, v: Vector) -> Memory:
        """Begin with s = 0, and without a correction for it."""
        return {"s": np.zeros_like(v)}

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Average g², and give −η g/(√s + ε)."""
        s = memory["s"]
        s *= self.alpha
        s += (1 - self.alpha) * (g * g)
        g *= -eta
        g /= np.sqrt(s) + self.epsilon
        return g


@dataclass(frozen=True)
class Adam:
    """Δv = −η m̂/(√ŝ + ε), with m̂ and ŝ the corrected means of g and g² (Kingma & Ba 2015, alg. 1).

    m ← β₁ m + (1 − β₁) g, s ← β₂ s + (1 − β₂) g², m̂ = m/(1 − β₁ᵗ), ŝ = s/(1 − β₂ᵗ). ε is added to
    the corrected root, as in algorithm 1 and PyTorch; the paper's more efficient form (end of its
    section 2), which TensorFlow takes, adds another ε to the uncorrected one.

    Parameters
    ----------
    beta1, beta2 : float
        β₁ and β₂, in [0, 1).
    epsilon : float
        ε > 0, in units of g.

    Raises
    ------
    SettingError
        Where one is out of range.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    linear = False

    def __post_init__(self) -> None:
        real("beta1", self.beta1, "0.9", "[0, 1)")
        real("beta2", self.beta2, "0.999", "[0, 1)")
        real("epsilon", self.epsilon, "1e-8")

    def start(self, v: Vector) -> Memory:
        """Begin with both means at 0; the corrections make up for that."""
        return {"m": np.zeros_like(v), "s": np.zeros_like(v)}

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Average g and g², correct both, and give −η m̂/(√ŝ + ε)."""
        m, s = memory["m"], memory["s"]
        m *= self.beta1
        m += (1 - self.beta1) * g
        s *= self.beta2
        s += (1 - self.beta2) * (g * g)
        root = np.sqrt(s / (1 - self.beta2**t)) + self.epsilon
        g[:] = m / root
        g *= -eta / (1 - self.beta1**t)
        return g


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: Δv = −η λ v − η m̂/(√ŝ + ε) (Loshchilov & Hutter 2019).

    As in PyTorch the decay is scaled by η, and all parameters decay, biases included; the paper
    scales it by the schedule's factor alone. An L2 penalty would pass through m̂ and ŝ instead.

    Parameters
    ----------
    weight_decay : float
        λ >= 0.

    Raises
    ------
    SettingError
        Where one is out of range.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        real("weight_decay", self.weight_decay, "0.01", "[0, inf)")

    def step(self, g: Vector, v: Vector, eta: float, t: int, memory: Memory) -> Vector:
        """Give Adam's step, less η λ v."""
        step = super().step(g, v, eta, t, memory)
        step -= (eta * self.weight_decay) * v
        return step
