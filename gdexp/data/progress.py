"""How far a download has come, as whoever waits for it sees it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], object]]]
"""Given what is under way and how many bytes it has in all (None: unknown), a context.

Entering it gives a function that is told of each further count of bytes.
"""


@contextmanager
def on_stderr(text: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """Show a bar on standard error where that is a terminal, else one plain line.

    Parameters
    ----------
    text : str
        What is under way.
    total : int or None
        How many bytes there are in all, where that is known.

    Yields
    ------
    callable
        To be told of each further count of bytes.
    """
    if sys.stderr is not None and sys.stderr.isatty():
        with _bar(text, total) as advance:
            yield advance
    else:
        if sys.stderr is not None:  # as in a program without any console
            print(text, file=sys.stderr)
        yield _ignore


@contextmanager
def _bar(text: str, total: int | None) -> Iterator[Callable[[int], object]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    told = TextColumn("{task.description}", markup=False)
    console = Console(stderr=True)
    with Bar(told, BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(text, total=total)
        yield lambda count: bar.advance(task, count)


def _ignore(count: int) -> None:
    pass
