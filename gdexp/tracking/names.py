"""The names that a run's figures carry in the journal and in MLflow.

A name ``a/b`` stands in the section "a" of MLflow's page; figures that are logged once go to
step 0, where they draw as bars.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gdexp.descent import Epoch
from gdexp.measure import Measure


def of_epoch(epoch: Epoch) -> dict[str, float]:
    """Name what is known after an epoch: curves of every set under both conventions, and axes."""
    named: dict[str, float] = {}
    for part, measure in epoch.parts.items():
        named[f"{part}/cost_mean"] = measure.cost / measure.n
        named[f"{part}/cost_sum"] = measure.cost
        if measure.accuracy is not None:
            named[f"{part}/accuracy"] = measure.accuracy
    if "val" in epoch.parts:
        named["gap/cost"] = named["val/cost_mean"] - named["train/cost_mean"]
    named["progress/updates"] = epoch.updates
    named["progress/examples"] = epoch.examples
    named["progress/seconds"] = epoch.seconds
    if epoch.eta is not None:
        named["progress/eta"] = epoch.eta
    return {**named, **epoch.extra}


def epoch_of(record: Mapping[str, Any], sizes: Mapping[str, int]) -> Epoch:
    """Give back the epoch whose record a journal holds, exactly as it was.

    Parameters
    ----------
    record : mapping
        Of the kind "epoch".
    sizes : mapping of str to int
        How many examples each set has that is measured.
    """
    metrics = record["metrics"]
    parts = {}
    for name, n in sizes.items():
        right = metrics.get(f"{name}/accuracy")
        correct = None if right is None else round(right * n)
        parts[name] = Measure(float(metrics[f"{name}/cost_sum"]), n, correct)
    return Epoch(
        record["epoch"],
        metrics["progress/updates"],
        metrics["progress/examples"],
        metrics["progress/seconds"],
        float(record["cost"]),
        parts,
        eta=metrics.get("progress/eta"),
        ended=record.get("ended", ""),
    )


def figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Read figures as they were: a journal has words for those that JSON has no number for."""
    return {name: float(v) if isinstance(v, str) else v for name, v in metrics.items()}


def once(epochs: Sequence[Epoch], total_seconds: float) -> dict[str, float]:
    """Name what is known at the end.

    ``best/test_accuracy`` is the highest of the run, the figure that Nielsen quotes;
    ``best/epoch`` is the first epoch with the highest validation accuracy. Where there is no
    accuracy the lowest cost takes its place, and training its where there is no validation set.
    ``final/train_cost`` is the cost under the run's own scaling.
    """
    last = epochs[-1]
    best = best_epoch(epochs)
    final = of_epoch(last)
    return {
        **{f"best/{name}": of_epoch(best)[name.replace("_", "/", 1)] for name in _judges(best)},
        **_highest_test(epochs),
        "best/epoch": best.number,
        "final/train_cost": last.cost,
        "final/train_cost_mean": final["train/cost_mean"],
        "final/train_cost_sum": final["train/cost_sum"],
        **{
            f"final/{part}_accuracy": m.accuracy
            for part, m in last.parts.items()
            if m.accuracy is not None
        },
        "time/train_seconds": last.seconds,
        "time/total_seconds": total_seconds,
    }


def best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """Give the first epoch with the highest merit: mostly, the validation accuracy."""
    return max(epochs, key=lambda epoch: epoch.merit)


def _judges(best: Epoch) -> list[str]:
    accuracy = best.parts[best.judged].accuracy
    return [f"{best.judged}_cost_mean" if accuracy is None else f"{best.judged}_accuracy"]


def _highest_test(epochs: Sequence[Epoch]) -> dict[str, float]:
    tested = [epoch.parts["test"].accuracy for epoch in epochs if "test" in epoch.parts]
    accuracies = [each for each in tested if each is not None]
    return {"best/test_accuracy": max(accuracies)} if accuracies else {}
