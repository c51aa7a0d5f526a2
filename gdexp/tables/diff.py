"""In what two runs differ, side by side."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table

from gdexp.comparison import Aspect
from gdexp.stored import StoredRun

NARROWEST = 80


def print_diff(
    one: StoredRun, other: StoredRun, aspects: Iterable[Aspect], told: Iterable[str]
) -> None:
    """Tell aspect by aspect in what two runs differ, and then where they part.

    Parameters
    ----------
    one, other : StoredRun
    aspects : iterable of Aspect
    told : iterable of str
        Of their trajectories, a sentence a line.
    """
    console = Console(highlight=False, soft_wrap=True)
    width = max(console.width, NARROWEST)
    names = f"{one.id[:8]}", f"{other.id[:8]}"
    print()
    for name, run in zip(names, (one, other), strict=True):
        when = datetime.fromtimestamp(run.start / 1000).strftime("%Y-%m-%d %H:%M:%S")
        console.print(f"[bold]{name}[/bold]  {when}  {run.name}", markup=True)
    for aspect in aspects:
        note = f" {aspect.note}" if aspect.note else ""
        console.print(f"\n[bold]{aspect.title}[/bold]{':' if note else ''}{note}")
        if aspect.rows:
            Console(highlight=False, width=width).print(_table(aspect, names), markup=False)
    console.print("\n[bold]trajectories[/bold]")
    for line in told:
        print(line)
    print(flush=True)


def _table(aspect: Aspect, names: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("", *names):
        table.add_column(title, overflow="fold")
    for row in aspect.rows:
        table.add_row(*(each.replace("[", r"\[") for each in row))
    return table
