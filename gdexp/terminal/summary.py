"""The summary at the end of a run."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gdexp import places
from gdexp.labels import batch_label
from gdexp.record import Record
from gdexp.result import Result, plural, reached
from gdexp.tracking import Tracking, names

PARTS = {"train": "training", "val": "validation", "test": "test"}


def print_summary(record: Record, result: Result) -> None:
    """Tell what was run, what it reached, how long it took, and where it is."""
    console = wide_console()
    console.print(f"\n[bold]{_what(record)}[/bold]\n")
    console.print(_figures(result, record.request.experiment.eval.every))
    if result.epochs[-1].ended:
        console.print(f"\n{result.epochs[-1].ended}{_skipped(result)}")
    if result.advice:
        console.print(f"\n[bold red]{result.advice}[/bold red]")
    if result.notes:
        print("", *result.notes, sep="\n")
    print()
    for word, text in record.told.items():
        print(f"{word:<8} {text}")
    last = result.epochs[-1]
    updates = plural(last.updates, "update")
    print(f"time     {last.seconds:.2f} s for {updates}, {result.seconds:.2f} s in all")
    print(f"eta      {_conventions(record)}")
    print(f"engine   {record.carrier.name}, {record.problem.dtype}{record.by_auto}")
    print_places(record)


def _skipped(result: Result) -> str:
    """Count the lines of a stream that are no examples."""
    lines = int(result.epochs[-1].extra.get("stream/skipped_lines", 0))
    return f"; {plural(lines, 'line')} skipped that did not parse" if lines else ""


def print_places(record: Record) -> None:
    """Tell where a run is, and what shows its curves."""
    print(f"folder   {record.request.output}")
    tracking = record.request.experiment.tracking
    told = "not in MLflow (tracking=off)" if tracking.uri is None else ui_command(tracking)
    print(f"curves   {told}", flush=True)


def ui_command(tracking: Tracking) -> str:
    """Say what opens the page of a store, with as many words as it needs."""
    words = ["ui"]
    if tracking.database is None or tracking.database.name != "mlflow.db":
        words.append(f"tracking.uri={tracking.shown}")
    elif tracking.database != places.outputs() / "mlflow.db" or places.checkout() is None:
        words.append(f"outputs={tracking.database.parent}")
    if tracking.experiment != os.environ.get("MLFLOW_EXPERIMENT_NAME", "gdexp"):
        words.append(f"tracking.experiment={tracking.experiment}")
    return f"{program()} {shlex.join(words)}"


def wide_console() -> Console:
    """Give a console whose tables are never cut: a narrow terminal wraps them by itself."""
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, 160)
    return console


def program() -> str:
    """Say how a person starts gdexp from here: also where the environment is not activated."""
    here, found = Path(sys.executable), shutil.which("python")
    if found is not None and Path(found).parent == here.parent:
        return "python -m gdexp"
    below = here.is_relative_to(Path.cwd())
    return f"{here.relative_to(Path.cwd()) if below else here} -m gdexp"


def near(folder: Path) -> str:
    """Write a folder as a person here would: from the working directory, where it is below that."""
    here = Path.cwd()
    return shlex.quote(str(folder.relative_to(here) if folder.is_relative_to(here) else folder))


def _what(record: Record) -> str:
    experiment, problem = record.request.experiment, record.problem
    scaling, choices = experiment.scaling, record.request.choices
    cost = f"{choices['cost']} cost, " if "cost" in choices else ""
    rule = "" if choices.get("rule", "plain") == "plain" else f"{choices['rule']} "
    mixed = f"cost {scaling.cost}, update {scaling.update}"
    convention = scaling.cost if scaling.cost == scaling.update else mixed
    return (
        f"{problem.title}, {cost}{choices.get('optimizer', '')} "
        f"{batch_label(record.m, problem.n)}, {rule}eta={experiment.eta:g} ({convention}), "
        f"seed={experiment.seed}"
    )


def _conventions(record: Record) -> str:
    """Say what the learning rate would be under the other convention, and how exactly."""
    experiment, m = record.request.experiment, record.m
    here = experiment.scaling.update
    there = "sum" if here == "mean" else "mean"
    other = experiment.update.other_eta(experiment.eta, m)
    if other is None:
        return f"{experiment.eta:g} with {here}: with clip, {there} is another descent"
    if not experiment.rule.linear:
        return f"{experiment.eta:g} with {here} and with {there}: the rule undoes the factor m"
    ragged = record.problem.n % m
    but = f", but for each epoch's last mini-batch, of {ragged}" if ragged else ""
    return f"{experiment.eta:g} with {here} is {other:g} with {there}: the same descent{but}"


def _figures(result: Result, every: int) -> Table:
    last = result.epochs[-1]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(f"after {reached(last)}", no_wrap=True)
    parts, streams = [part for part in PARTS if part in last.parts], last.unit == "report"
    for part in parts:
        seen = f"last {last.parts[part].n:,} seen" if part == "train" and streams else PARTS[part]
        table.add_column(seen, justify="right", no_wrap=True)
    measures = [last.parts[part] for part in parts]
    table.add_row("cost, mean (1/n)", *(f"{m.cost / m.n:.5g}" for m in measures))
    table.add_row("cost, sum", *(f"{m.cost:.5g}" for m in measures))
    if measures[0].accuracy is not None:
        _add_accuracies(table, result, parts, every)
    return table


def _add_accuracies(table: Table, result: Result, parts: Sequence[str], every: int) -> None:
    best = names.best_epoch(result.epochs)
    history = {
        part: [epoch.parts[part].accuracy or 0.0 for epoch in result.epochs] for part in parts
    }
    table.add_row("accuracy", *(f"{history[part][-1]:.2%}" for part in parts))
    chosen = [f"{best.parts[part].accuracy:.2%}" for part in parts]
    table.add_row(f"  at {best.unit} {best.number}, best {PARTS[best.judged]}", *chosen)
    highest = (
        "of the run" if every == 1 or best.unit != "epoch" else f"measured, every {every} epochs"
    )
    table.add_row(f"  highest {highest}", *(f"{max(history[part]):.2%}" for part in parts))
