"""The tables of a sweep: of what is planned, and of what came of it."""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from gdexp.result import plural
from gdexp.terminal.summary import ui_command, wide_console
from gdexp.tracking import Tracking, standings
from gdexp.tracking.jobs import FINE, JobState, settings_of

WHERE = ("outputs", "tracking")
UNLIMITED = 10_000  # columns, where the output is no terminal
PAD = 2  # columns between two of the table


@dataclass(frozen=True)
class Figure:
    """A column of the table: its head, the metric it shows, and how."""

    head: str
    metric: str
    form: str

    def of(self, job: JobState) -> str:
        """Give a job's cell."""
        metrics = job.metrics
        return format(metrics[self.metric], self.form) if self.metric in metrics else ""


FIGURES = [
    Figure("train cost", "final/train_cost_mean", ".4g"),
    Figure("cost best", "best/train_cost_mean", ".4g"),
    Figure("val cost best", "best/val_cost_mean", ".4g"),
    Figure("train best", "best/train_accuracy", ".2%"),
    Figure("val", "final/val_accuracy", ".2%"),
    Figure("val best", "best/val_accuracy", ".2%"),
    Figure("test", "final/test_accuracy", ".2%"),
    Figure("test best", "best/test_accuracy", ".2%"),
    Figure("seconds", "time/train_seconds", ".2f"),
]
DISPENSABLE = ("val", "test", "train cost", "seconds", "test best")  # where there is no room


def print_sweep(states: Sequence[JobState], folder: Path, tracking: Tracking) -> None:
    """Tell what each job of a sweep reached, the best first, and which failed, and why.

    Parameters
    ----------
    states : sequence of JobState
    folder : Path
        The sweep's own.
    tracking : Tracking
        Where its runs went.
    """
    console = wide_console()
    ended = sorted((job for job in states if job.end), key=lambda job: job.rank)
    console.print(f"\n[bold]{standings.counts(states)}[/bold]{_common(states)}\n")
    if ended:
        console.print(_table(ended, shutil.get_terminal_size((UNLIMITED, 24)).columns))
        judges = dict.fromkeys(standings.JUDGED[job.judge] for job in ended if job.judge)
        print(f"\nsorted by the best {', then '.join(judges)}\n" if judges else "")
    for job in sorted(ended, key=lambda job: job.number):
        if job.status not in FINE:
            print(f"{job.named}: {job.outcome}: {job.reason}")
    engines = dict.fromkeys(filter(None, (_engine(job) for job in ended)))
    if len(engines) == 1:
        print(f"engine   {next(iter(engines))}")
    print(f"folder   {folder}")
    if tracking.uri is not None:
        print(f"curves   {ui_command(tracking)}")
    sys.stdout.flush()


def print_plan(
    axes: Mapping[str, Sequence[str]], planned: Iterable[tuple[int, Mapping[str, str]]]
) -> None:
    """Show the jobs that a sweep would consist of, by what they differ in."""
    listed = list(planned)
    table = Table(box=None, pad_edge=False, padding=(0, PAD, 0, 0))
    for name in ["job", *axes]:
        table.add_column(name, no_wrap=True, overflow="ignore")
    for number, settings in listed:
        table.add_row(str(number), *(escape(settings.get(name, "")) for name in axes))
    same = {name: value for name, value in listed[0][1].items() if name not in axes}
    told = f", all with {_pairs(same)}" if same else ""
    console = wide_console()
    console.print(f"[bold]{plural(len(listed), 'job')}[/bold]{told}\n")
    console.print(table)
    print(flush=True)


def _table(ended: Sequence[JobState], width: int) -> Table:
    """Lay the jobs out; figures that there is no room for in a terminal are left out."""
    varied = list(dict.fromkeys(name for job in ended for name in job.varies))
    figures = [each for each in FIGURES if any(each.of(job) for job in ended)]
    engines = len({_engine(job) for job in ended if job.engine}) > 1
    heads = ["job", *varied, *(["engine"] if engines else [])]
    rows = [
        [str(job.number), *(job.varies.get(name, "") for name in varied)]
        + ([job.engine] if engines else [])
        for job in ended
    ]
    for head in DISPENSABLE:
        if _width(heads, rows, figures, ended) <= width:
            break
        figures = [each for each in figures if each.head != head]
    table = Table(box=None, pad_edge=False, padding=(0, PAD, 0, 0))
    for head in heads:
        table.add_column(head, no_wrap=True, overflow="ignore")
    for head in [*(each.head for each in figures), "outcome"]:
        table.add_column(head, justify="right", no_wrap=True, overflow="ignore")
    for job, row in zip(ended, rows, strict=True):
        table.add_row(*map(escape, row), *(each.of(job) for each in figures), job.outcome)
    return table


def _width(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: Sequence[Figure],
    ended: Sequence[JobState],
) -> int:
    """Give the columns of the terminal that a table takes."""
    columns = [[head, *cells] for head, *cells in zip(heads, *rows, strict=True)]
    columns += [[each.head, *(each.of(job) for job in ended)] for each in figures]
    columns += [["outcome", *(job.outcome for job in ended)]]
    return sum(max(map(len, column)) + PAD for column in columns) - PAD


def _engine(job: JobState) -> str:
    """Name a job's engine, and say where it was chosen for it."""
    chosen = str(job.start.get("tags", {}).get("gdexp.engine_why", "")).startswith("auto")
    return f"{job.engine}{', chosen by engine=auto' if chosen else ''}" if job.engine else ""


def _common(states: Sequence[JobState]) -> str:
    """Say what all jobs have in common, of what was written on the command line."""
    each = [settings_of(job.words) for job in states]
    varied = {name for job in states for name in job.varies}
    same = {name: value for name, value in (each[0] if each else {}).items() if name not in varied}
    told = {name: value for name, value in same.items() if name.split(".")[0] not in WHERE}
    return f", all with {_pairs(told)}" if told else ""


def _pairs(settings: Mapping[str, str]) -> str:
    return escape(" ".join(f"{name}={value}" for name, value in settings.items()))
