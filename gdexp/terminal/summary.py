"""The summaries at the end: of a run, and of a sweep."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gdexp.experiment import Request
from gdexp.record import Record, batch_label
from gdexp.result import Result, plural
from gdexp.tracking import Tracking, names

PARTS = {"train": "training", "val": "validation", "test": "test"}


def print_summary(record: Record, result: Result) -> None:
    """Tell what was run, what it reached, how long it took, and where it is."""
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"\n[bold]{_what(record)}[/bold]\n")
    console.print(_figures(result))
    last, experiment, m = result.epochs[-1], record.request.experiment, record.m
    if result.advice:
        console.print(f"\n[bold red]{result.advice}[/bold red]")
    here, there = experiment.scaling.update, _other(experiment.scaling.update)
    other = experiment.scaling.other_eta(experiment.eta, m)
    lines = {
        "time": f"{last.seconds:.2f} s for {plural(last.updates, 'update')}, "
        f"{result.seconds:.2f} s with measuring",
        "eta": f"{experiment.eta:g} as {here}; the same descent as {there} has {other:g}",
        "folder": str(record.request.output),
    }
    if experiment.tracking.uri is not None:
        lines["curves"] = ui_command(experiment.tracking)
    console.print()
    for name, text in lines.items():
        print(f"{name:<8} {text}")
    sys.stdout.flush()


def ui_command(tracking: Tracking) -> str:
    """Say what opens the page of a store."""
    if tracking.database is None:
        return f"python -m gdexp ui tracking.uri={tracking.shown}"
    return "python -m gdexp ui"


def _what(record: Record) -> str:
    experiment, network = record.request.experiment, record.network
    scaling, choices = experiment.scaling, record.request.choices
    return (
        f"{'-'.join(map(str, network.sizes))} on {network.dataset.name}, "
        f"{choices.get('cost', '')} cost, {choices.get('optimizer', '')} "
        f"{batch_label(record.m, network.n)}, eta={experiment.eta:g}, "
        f"cost scaled by {scaling.cost}, updates by {scaling.update}, seed={experiment.seed}"
    )


def _figures(result: Result) -> Table:
    last = result.epochs[-1]
    best = names.best_epoch(result.epochs)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(f"after {plural(last.number, 'epoch')}")
    for name in PARTS.values():
        table.add_column(name, justify="right")
    measures = [last.parts[part] for part in PARTS]
    table.add_row("cost, mean (1/n)", *(f"{m.cost / m.n:.5g}" for m in measures))
    table.add_row("cost, sum", *(f"{m.cost:.5g}" for m in measures))
    table.add_row("accuracy", *(f"{m.accuracy:.2%}" for m in measures))
    chosen = [f"{best.parts[part].accuracy:.2%}" for part in PARTS]
    table.add_row(f"  at epoch {best.number}, best validation", *chosen)
    peaks = [max(epoch.parts[part].accuracy for epoch in result.epochs) for part in PARTS]
    table.add_row("  highest of the run", *(f"{peak:.2%}" for peak in peaks))
    return table


def _other(convention: str) -> str:
    return "sum" if convention == "mean" else "mean"


def print_sweep(jobs: Sequence[tuple[Request | None, Result | str]], folder: Path) -> None:
    """Tell what each job of a sweep reached, the best validation accuracy first."""
    done = [(request, result) for request, result in jobs if isinstance(result, Result)]
    console = Console(soft_wrap=True, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("job", "overrides"):
        table.add_column(name)
    for name in ("cost (mean)", "validation", "best", "test", "train s", "outcome"):
        table.add_column(name, justify="right")
    for request, result in sorted(done, key=lambda each: -_best(each[1])):
        assert request is not None
        table.add_row(str(request.job), " ".join(_varied(request)), *_row(result))
    console.print(f"\n[bold]{len(done)} of {plural(len(jobs), 'job')} finished[/bold]\n")
    console.print(table)
    print(f"\nfolder   {folder}")
    for tracking in {request.experiment.tracking for request, _ in done if request is not None}:
        if tracking.uri is not None:
            print(f"curves   {ui_command(tracking)}")
    sys.stdout.flush()


def _best(result: Result) -> float:
    return result.figures["best/val_accuracy"]


def _varied(request: Request) -> list[str]:
    return [word for word in request.overrides if not word.startswith(("outputs=", "tracking"))]


def _row(result: Result) -> list[Any]:
    last = result.epochs[-1]
    return [
        f"{last.parts['train'].cost / last.parts['train'].n:.5g}",
        f"{last.parts['val'].accuracy:.2%}",
        f"{_best(result):.2%}",
        f"{last.parts['test'].accuracy:.2%}",
        f"{last.seconds:.2f}",
        result.outcome,
    ]
