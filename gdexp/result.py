"""How a run ended, and how that is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gdexp.descent import Epoch
from gdexp.tracking import names

GROWN = 1e-6  # share of the first cost: less is rounding
VAST = 1e6  # times the cost of the start, or 1: what no descent comes back from
MANY = 3  # lost classes from which on it is the learning rate that is to blame


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Parameters
    ----------
    epochs : sequence of Epoch
        From number 0 to the last.
    lost_classes : sequence of int
        Classes that the trained network hardly ever recognises.
    seconds : float
        From the start of the run to its end, all included but the tracking.
    largest_eta : float, optional
        The largest learning rate that does not diverge, where it is known: where plain steps of a
        constant η are taken along the whole gradient, on a cost of constant curvature.
    notes : sequence of str
        What diagnostics remarked last.
    """

    epochs: Sequence[Epoch]
    lost_classes: Sequence[int]
    seconds: float
    largest_eta: float | None = None
    notes: Sequence[str] = ()

    @property
    def outcome(self) -> str:
        """The value of the tag ``gdexp.outcome``: ok, diverged or lost_class."""
        if self.diverged:
            return "diverged"
        return "lost_class" if self.lost_classes else "ok"

    @property
    def diverged(self) -> bool:
        """Whether the cost is no longer finite, or is known to be on its way there.

        It is where plain steps are taken on a cost of constant curvature, and the cost grew: a
        smaller one would not have grown in any direction. Elsewhere a cost that is `VAST` times
        that of the start is taken for it.
        """
        first, last = self.epochs[0].cost, self.epochs[-1].cost
        if self.largest_eta is None:
            return self.epochs[-1].diverged or last > VAST * max(abs(first), 1.0)
        return self.epochs[-1].diverged or last > first + GROWN * abs(first)

    @property
    def merit(self) -> float:
        """What is the larger the better: the best validation accuracy, or less the lowest cost."""
        return names.best_epoch(self.epochs).merit

    @property
    def figures(self) -> dict[str, float]:
        """The figures that are logged once."""
        return names.once(self.epochs, self.seconds)

    @property
    def headline(self) -> str:
        """The result in one line."""
        last, figures = self.epochs[-1], self.figures
        if self.diverged:
            return self.advice
        told = [f"training cost (mean) {figures['final/train_cost_mean']:.4g}"]
        if "best/test_accuracy" in figures:
            test, best = figures["final/test_accuracy"], figures["best/test_accuracy"]
            validation = f"validation {figures['final/val_accuracy']:.2%}"
            told = [f"test accuracy {test:.2%} (best {best:.2%})", validation, *told]
        line = f"{', '.join(told)} after {reached(last)}"
        return "; ".join([line, *filter(None, [last.ended, self._lost])])

    @property
    def advice(self) -> str:
        """What happened that should not, and what to do; empty where all is well."""
        last = self.epochs[-1]
        if self.diverged:
            came = f"rose from {self.epochs[0].cost:.3g} to {last.cost:.3g}"
            how = came if last.cost < inf else f"is {last.cost}"
            if last.number == 0:
                return f"cost {how} at the start; take another one (function.start, or a seed)"
            told = f"diverged at {last.unit} {last.number}: cost {how}"
            if self.largest_eta is None:
                return f"{told}; try a smaller eta"
            return f"{told}; the largest eta that does not diverge is {self.largest_eta:g}"
        if not self.lost_classes:
            return ""
        if len(self.lost_classes) > MANY:
            return f"{self._lost}: most are hardly recognised; try a smaller eta, or more epochs"
        return (
            f"{self._lost}: hardly an example is recognised; try more epochs, another seed,"
            " or architecture.initialization=scaled_normal"
        )

    @property
    def _lost(self) -> str:
        if not self.lost_classes:
            return ""
        several = "classes" if len(self.lost_classes) > 1 else "class"
        return f"lost {several} {', '.join(map(str, self.lost_classes))}"


def reached(epoch: Epoch) -> str:
    """Say how far a descent has come: epochs, or examples of a stream."""
    if epoch.unit == "epoch":
        return plural(epoch.number, "epoch")
    return plural(epoch.examples, "example")


def plural(count: int, noun: str) -> str:
    """Count a noun: 1 epoch, 2 epochs."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
