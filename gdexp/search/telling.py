"""What is told of a search: its space before, what it found after."""

import shlex
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from gdexp.result import plural
from gdexp.search.finding import FILE, note
from gdexp.search.objectives import MERIT
from gdexp.search.searching import Search, Trial
from gdexp.search.settings import Settings
from gdexp.search.space import Axis, Space
from gdexp.search.study import NAME
from gdexp.sweeps.record import Conclusion
from gdexp.terminal import program
from gdexp.terminal.summary import wide_console
from gdexp.tracking.jobs import JobState
from gdexp.tracking.settings import masked
from gdexp.tracking.standings import JUDGED

PAD = 2


def print_space(space: Space, settings: Settings) -> None:
    """Show what would be searched."""
    table = Table(box=None, pad_edge=False, padding=(0, PAD, 0, 0))
    for name in ("setting", "range", "scale"):
        table.add_column(name, no_wrap=True, overflow="ignore")
    for axis in space.axes:
        table.add_row(*map(escape, (axis.bare, axis.told, _scale(axis))))
    console = wide_console()
    same = f", all with {escape(' '.join(map(masked, space.fixed)))}" if space.fixed else ""
    console.print(f"[bold]{plural(settings.trials, 'trial')}[/bold]{same}\n")
    console.print(table)
    print(flush=True)


def _scale(axis: Axis) -> str:
    if not axis.ordered:
        return plural(len(axis.values), "value")
    told = "logarithmic" if axis.log else "linear"
    return f"{told}, whole numbers" if axis.whole else told


def conclusion(search: Search, states: Sequence[JobState]) -> Conclusion:
    """Say what a search found, and keep it in the sweep's folder.

    Parameters
    ----------
    search : Search
    states : sequence of JobState
        Of its jobs.
    """
    best = [trial for number in search.study.best() if (trial := _trial(search, number))]
    if not best:
        return Conclusion(["best     none: no trial came to an end"], {}, [NAME])
    importances = search.study.importances()
    note(
        search.plan.folder,
        best=[_kept(search, trial) for trial in best],
        importances=importances,
        trials=search.study.counts(),
    )
    lines = _front(search, best) if len(search.plan.settings.objectives) > 1 else []
    lines = lines or [
        f"best     {_named(search, best[0], states)}",
        f"again    {_again(search, best[0])}",
    ]
    if len(importances) > 1:
        shares = [f"{name} {share:.0%}" for name, share in importances.items()]
        lines.append(f"weight   {', '.join(shares)} of what sets the best trials apart")
    lines.append(f"study    {search.plan.folder / NAME}")
    tags = {"gdexp.best_trial": str(best[0].number), "gdexp.best_job": str(best[0].jobs[0])}
    return Conclusion(lines, tags, [NAME, FILE])


def _front(search: Search, best: Sequence[Trial]) -> list[str]:
    """Lay out the trials that none excels in everything, the best in the first objective first."""
    wanted = search.plan.settings.objectives
    turned = -1 if wanted[0].maximize else 1
    table = [["job", *(each.name for each in wanted), "again"]]
    for trial in sorted(best, key=lambda each: turned * search.study.values(each.number)[0]):
        values = zip(wanted, search.study.values(trial.number), strict=True)
        reached = [objective.told(value) for objective, value in values]
        table.append([str(trial.jobs[0]), *reached, _again(search, trial)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return [f"\n{plural(len(best), 'trial')} that no other excels in everything:\n", *rows, ""]


def _named(search: Search, trial: Trial, states: Sequence[JobState]) -> str:
    """Name a trial by its job, with what it reached and what was set."""
    objective, values = search.plan.settings.objectives[0], search.study.values(trial.number)
    runs = f", the mean of {len(trial.jobs)} seeds" if len(trial.jobs) > 1 else ""
    judge = next((each.judge for each in states if each.number == trial.jobs[0]), "")
    what = JUDGED.get(judge, objective.name) if objective.name == MERIT else objective.name
    return (
        f"job {trial.jobs[0]}, {what} {objective.told(values[0])}{runs}: {_varied(search, trial)}"
    )


def _varied(search: Search, trial: Trial) -> str:
    return " ".join(word for word in trial.words if word not in search.plan.space.fixed)


def _again(search: Search, trial: Trial) -> str:
    """Give the command that runs the best again."""
    return f"{program()} {shlex.join(map(masked, trial.words))}"


def _kept(search: Search, trial: Trial) -> dict[str, Any]:
    names = [each.name for each in search.plan.settings.objectives]
    values = search.study.values(trial.number)
    return {
        "trial": trial.number,
        "jobs": trial.jobs,
        "reached": dict(zip(names, values, strict=True)),
        "overrides": [*map(masked, trial.words)],
    }


def _trial(search: Search, number: int) -> Trial | None:
    return next((each for each in search.trials.values() if each.number == number), None)
