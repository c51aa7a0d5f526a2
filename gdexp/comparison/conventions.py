"""A descent, whichever convention its η is written in; and η from one to the other.

Under ``scaling.update=mean`` an update is v → v − η/m Σ ∇C_x, under ``sum`` v → v − η Σ ∇C_x, so
that η under ``mean`` is η/m under ``sum``. ``scaling.cost`` changes which figure is called the
cost, and nothing of the descent. See docs/conventions.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gdexp.comparison.variants import SEEDS, counts
from gdexp.descent.scaling import CONVENTIONS, Scaling
from gdexp.errors import SettingError, one_of, real, whole
from gdexp.stored import StoredRun

OF_SCALING = ("scaling", "scaling.cost", "scaling.update")
OF_ENGINE = ("engine.used", "engine.precision")  # the same descent, but for rounding
DIGITS = 9  # of η, to which learning rates are equal: 0.1 · 3 is 0.30000000000000004


@dataclass(frozen=True)
class Course:
    """A descent, whichever convention it is written in.

    Parameters
    ----------
    setting : frozenset of (str, str)
        All that is computed, but for η, the conventions, the engine and the seed.
    rates : mapping of str to float
        η under ``mean`` and under ``sum``.
    """

    setting: frozenset[tuple[str, str]]
    rates: Mapping[str, float]

    @classmethod
    def of(cls, run: StoredRun) -> "Course | None":
        """Read it from a run's parameters; None where it has no other convention, as with clip."""
        here = run.params.get("scaling.update")
        try:
            eta, other = (float(run.params[name]) for name in ("eta", "eta_other_convention"))
        except (KeyError, ValueError):
            return None
        if here not in CONVENTIONS:
            return None
        (there,) = set(CONVENTIONS) - {here}
        left_out = {"eta", *OF_SCALING, *OF_ENGINE, *SEEDS}
        setting = frozenset(
            (name, value)
            for name, value in run.params.items()
            if counts(name) and name not in left_out
        )
        return cls(setting, {here: eta, there: other})

    def rate(self, convention: str) -> str:
        """Give η under a convention, in as many digits as two of them must share."""
        return f"{self.rates[convention]:.{DIGITS}g}"

    @property
    def m(self) -> float:
        """The factor between the conventions: m, or 1 for rules that undo it."""
        return self.rates["mean"] / self.rates["sum"]


def convert(eta: float, m: int | None, n: int | None, from_: str, to: str) -> float:
    """Give the learning rate of the same descent under another convention of the update.

    Parameters
    ----------
    eta : float
        η > 0 under the convention `from_`.
    m : int or None
        Examples of an update; None: all n.
    n : int or None
        Training examples; needed where m is None.
    from_, to : {"mean", "sum"}

    Returns
    -------
    float
        η/m from mean to sum, η m from sum to mean, η where both are the same.

    Raises
    ------
    SettingError
        Where a value is not allowed.
    """
    real("eta", eta, "3.0")
    one_of("from", from_, CONVENTIONS)
    one_of("to", to, CONVENTIONS)
    if n is not None:
        whole("n", n, 1, "50000")
    if m is None and n is None:
        allowed = "given, or else n, for an update that sees all n examples"
        raise SettingError("batch", allowed, None, "10")
    size = whole("batch", n if m is None else m, 1, "10")
    if n is not None and size > n:
        raise SettingError("batch", f"at most the n={n} training examples", size, str(n))
    return eta if from_ == to else Scaling(update=from_).other_eta(eta, size)
