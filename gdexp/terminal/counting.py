"""Progress of work that is counted: a bar in a terminal, and nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def counting(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show how much of something is done; gives what is to be told how many are.

    Parameters
    ----------
    total : int
        How many there will be, at most.
    unit : str
        What they are called.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(f"{unit} {{task.completed}}/{{task.total}}"),
        BarColumn(bar_width=40),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        disable=not console.is_terminal or console.is_dumb_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)
