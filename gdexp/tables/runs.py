"""The list of stored runs."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from gdexp.result import plural
from gdexp.stored import StoredRun

NARROWEST = 80
BEST = ("best/val_accuracy", "best/train_accuracy", "best/val_cost_mean", "best/train_cost_mean")


def print_runs(runs: Sequence[StoredRun], count: int, experiment: str) -> None:
    """List runs, one a line, and say how many there are.

    Parameters
    ----------
    runs : sequence of StoredRun
        Those that are listed.
    count : int
        How many there are.
    experiment : str
    """
    console = Console(highlight=False)
    console.width = max(console.width, NARROWEST)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("id", "started", "name", "best", "train s", "ended"):
        figures = title in ("best", "train s")
        table.add_column(
            title, justify="right" if figures else "left", no_wrap=title != "name", overflow="fold"
        )
    for run in runs:
        table.add_row(run.id[:8], _when(run.start), run.name, _best(run), _seconds(run), _end(run))
    console.print(table)
    shown = f"the latest {len(runs)} of " if len(runs) < count else ""
    print(f"\n{shown}{plural(count, 'run')} in experiment {experiment!r}", flush=True)


def _when(start: int) -> str:
    return datetime.fromtimestamp(start / 1000).strftime("%Y-%m-%d %H:%M")


def _best(run: StoredRun) -> str:
    """Give the best validation accuracy, else what else the run was judged by."""
    for name in BEST:
        if name in run.metrics:
            value = run.metrics[name]
            return f"{value:.2%}" if "accuracy" in name else f"{value:.4g}"
    return ""


def _seconds(run: StoredRun) -> str:
    seconds = run.metrics.get("time/train_seconds")
    return "" if seconds is None else f"{seconds:.3g}"


def _end(run: StoredRun) -> str:
    return run.tag("outcome") or run.status.lower()
