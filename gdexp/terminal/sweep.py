"""The table at the end of a sweep."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from gdexp.request import Request
from gdexp.result import Result, plural
from gdexp.terminal.summary import ui_command, wide_console

Done = tuple[Request, Result]
WHERE = ("outputs", "tracking")


def print_sweep(done: Sequence[Done], refused: int, folder: Path) -> None:
    """Tell what each job of a sweep reached, the best validation accuracy first.

    Parameters
    ----------
    done : sequence of (Request, Result)
        The jobs that came to an end.
    refused : int
        How many could not be.
    folder : Path
        The sweep's own.
    """
    console = wide_console()
    total = plural(len(done) + refused, "job")
    console.print(f"\n[bold]{len(done)} of {total} finished[/bold]{_common(done)}\n")
    console.print(_table(done))
    print("\nsorted by the best validation accuracy, or the lowest cost where there is none\n")
    print(f"folder   {folder}")
    for tracking in {request.experiment.tracking for request, _ in done}:
        if tracking.uri is not None:
            print(f"curves   {ui_command(tracking)}")
    sys.stdout.flush()


def _table(done: Sequence[Done]) -> Table:
    varied = [name for name in _names(done) if len(_values(done, name)) > 1]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ["job", *varied]:
        table.add_column(name, no_wrap=True, overflow="ignore")
    for name in ("train cost", "val", "val best", "test", "test best", "seconds", "outcome"):
        table.add_column(name, justify="right", no_wrap=True, overflow="ignore")
    for request, result in sorted(done, key=lambda each: -each[1].merit):
        settings = _settings(request)
        told = [settings.get(name, "") for name in varied]
        table.add_row(str(request.job), *told, *_row(result))
    return table


def _row(result: Result) -> list[str]:
    figures = result.figures
    shares = (f"{share}_accuracy" for share in ("final/val", "best/val", "final/test", "best/test"))
    return [
        f"{figures['final/train_cost_mean']:.4g}",
        *(f"{figures[share]:.2%}" if share in figures else "" for share in shares),
        f"{figures['time/train_seconds']:.2f}",
        result.outcome,
    ]


def _common(done: Sequence[Done]) -> str:
    """Say what all jobs have in common, of what was written on the command line."""
    same = [name for name in _names(done) if len(_values(done, name)) == 1]
    told = [f"{name}={_settings(done[0][0])[name]}" for name in same]
    return f", all with {' '.join(told)}" if told else ""


def _names(done: Sequence[Done]) -> list[str]:
    return list(dict.fromkeys(name for request, _ in done for name in _settings(request)))


def _values(done: Sequence[Done], name: str) -> set[str | None]:
    return {_settings(request).get(name) for request, _ in done}


def _settings(request: Request) -> Mapping[str, str]:
    pairs = [word.lstrip("+~").partition("=") for word in request.overrides]
    return {name: value for name, _, value in pairs if name.split(".")[0] not in WHERE}
