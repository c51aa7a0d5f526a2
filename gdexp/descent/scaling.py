"""The two places where works differ by a factor: 1/n of the cost, 1/m of the update."""

from dataclasses import dataclass

from gdexp.errors import one_of

CONVENTIONS = ("mean", "sum")
RUNNING = "running"


@dataclass(frozen=True)
class Scaling:
    """Which factors the cost and the update carry.

    Parameters
    ----------
    cost : {"mean", "sum", "running"}
        ``mean``: C = 1/n Σ C_x, as in Nielsen, "Neural Networks and Deep Learning", eq. (6).
        ``sum``: C = Σ C_x, as works do that minimise a sum of squared errors, and as Nielsen
        mentions after eq. (22) for data whose number is not known.
        ``running``: for such data (`stream`), the mean of C_x over the last examples.
    update : {"mean", "sum"}
        ``mean``: v → v − η/m Σ ∇C_x over a mini-batch of m, eqs. (20) and (21).
        ``sum``: v → v − η Σ ∇C_x. The same descent has a learning rate m times smaller here.

    Notes
    -----
    m is the size of the mini-batch at hand. With ``mean`` a smaller last mini-batch therefore
    weighs each of its examples more, as in PyTorch, which averages over what the batch holds;
    Nielsen's own data divides evenly. With ``sum`` every example weighs the same.

    Raises
    ------
    SettingError
        Where a convention is none of these.
    """

    cost: str = "mean"
    update: str = "mean"

    def __post_init__(self) -> None:
        one_of("cost", self.cost, (*CONVENTIONS, RUNNING))
        one_of("update", self.update, CONVENTIONS)

    def of_cost(self, total: float, n: int) -> float:
        """Scale Σ C_x over n examples: all, or those that a running mean is of."""
        return total if self.cost == "sum" else total / n

    def of_update(self, eta: float, m: int) -> float:
        """Give what Σ ∇C_x over m examples is multiplied by."""
        return eta / m if self.update == "mean" else eta

    def other_eta(self, eta: float, m: int) -> float:
        """Give the learning rate of the same descent under the other convention."""
        return eta / m if self.update == "mean" else eta * m
