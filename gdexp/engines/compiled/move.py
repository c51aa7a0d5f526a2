"""An update that is more than a plain step: from a sum of gradients to a move of the parameters."""

from gdexp.engines.compiled.estimate import penalise, shorten
from gdexp.engines.compiled.kernels import jit
from gdexp.engines.compiled.steps import step


@jit
def move(P, Q, U, S, sums, net, size, recipe, examples, eta, t):
    """Make update t of Q, the scaled Σ ∇C_x, which is left zero.

    The penalty comes in for so many examples; then Q is shortened, and the rule makes a step of it.
    """
    if recipe.l1 > 0 or recipe.l2 > 0:
        penalise(P, Q, net, examples * recipe.l1, examples * recipe.l2)
    shorten(Q, sums, size, recipe)
    step(P, Q, U, S, size, recipe, eta, t)
