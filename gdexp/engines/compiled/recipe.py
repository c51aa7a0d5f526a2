"""An update as the kernels read it: which loop goes over the parameters, and its numbers."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gdexp.descent import (
    Adagrad,
    Adam,
    AdamW,
    FixedLength,
    Momentum,
    Nesterov,
    Plain,
    RMSprop,
    Rule,
    Update,
)

BARE, STRAIGHT, FIXED, HEAVY, ROOTED, CORRECTED = range(6)
CODES: Mapping[type, int] = {
    Plain: STRAIGHT,
    FixedLength: FIXED,
    Momentum: HEAVY,
    Nesterov: HEAVY,
    Adagrad: ROOTED,
    RMSprop: ROOTED,
    Adam: CORRECTED,
    AdamW: CORRECTED,
}
KEPT = {  # names in the rule's memory: of what is kept of g, and of g²
    BARE: ("", ""),
    STRAIGHT: ("", ""),
    FIXED: ("", ""),
    HEAVY: ("u", ""),
    ROOTED: ("", "s"),
    CORRECTED: ("m", "s"),
}


class Recipe(NamedTuple):
    """The numbers of an update; see `steps` for what each loop makes of them.

    `l1` and `l2` are an example's share of the penalty, λ/n; `clip` is infinite where nothing is
    clipped. `keep` is what remains of a mean of g from one update to the next, `keep2` of one of
    g², and `take2` what comes to that.
    """

    code: int
    l1: float
    l2: float
    clip: float
    keep: float = 0.0
    keep2: float = 0.0
    take2: float = 1.0
    lean: float = 0.0
    pull: float = 1.0
    epsilon: float = 0.0
    decay: float = 0.0


def recipe_of(update: Update, n: int) -> Recipe:
    """Give the recipe of an update, where there are n training examples."""
    l1, l2 = update.penalty.l1 / n, update.penalty.l2 / n
    clip = math.inf if update.clip is None else float(update.clip)
    code = BARE if update.bare else CODES[type(update.rule)]
    return Recipe(code, l1, l2, clip, **_numbers(update.rule))


def _numbers(rule: Rule) -> dict[str, Any]:
    """Give the numbers that the rule has and others have not."""
    match rule:
        case Nesterov(mu):
            return {"keep": float(mu), "lean": 1.0, "pull": float(mu)}
        case Momentum(mu):
            return {"keep": float(mu)}
        case Adagrad(epsilon):
            return {"keep2": 1.0, "epsilon": float(epsilon)}
        case RMSprop(alpha, epsilon):
            return {"keep2": float(alpha), "take2": 1 - float(alpha), "epsilon": float(epsilon)}
        case Adam(beta1, beta2, epsilon):
            decay = float(rule.weight_decay) if isinstance(rule, AdamW) else 0.0
            means = {"keep": float(beta1), "keep2": float(beta2), "take2": 1 - float(beta2)}
            return {**means, "epsilon": float(epsilon), "decay": decay}
    return {}
