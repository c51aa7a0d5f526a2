"""How far a whole sweep is: one view in a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gdexp.result import plural
from gdexp.tracking.jobs import PRUNED, TOLD, JobState
from gdexp.tracking.standings import best, told_best

OFTEN = 0.1  # seconds between two pictures in a terminal
PAUSE = 2.0  # seconds between two plain lines
MOST_FIGURES = 34  # columns that the figures of a job take
MOST_SHOWN = 12  # of the jobs that are going


@dataclass
class _Going:
    """A job that is going, and how far it is."""

    state: JobState
    epoch: int = 0
    of: int | None = None
    cost: float | None = None

    @property
    def shown(self) -> str:
        of = "" if self.of is None else f"/{self.of}"
        return "" if self.cost is None else f"epoch {self.epoch}{of}  cost {self.cost:.4g}"


class SweepView:
    """Shows the jobs of a sweep as they come and go, on standard error.

    It is drawn when `refresh` is called, and by no thread of its own: workers are forked.

    Parameters
    ----------
    total : int
        How many jobs there are.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._ended: Counter[str] = Counter()
        self._going: dict[int, _Going] = {}
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._before = 0  # jobs that had ended before this command
        self._began = self._last = time.monotonic()
        self._told = ""
        self.best: JobState | None = None

    def __enter__(self) -> "SweepView":
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            self._line()

    def stood(self, job: JobState) -> None:
        """Take a job that is not carried out now as it is."""
        self._before += 1
        self.ended(job)

    def begun(self, job: JobState) -> None:
        """Take a job among those that are going."""
        self._going[job.number] = _Going(job)

    def reached(self, number: int, epoch: int, of: int | None, cost: float) -> None:
        """Note how far a job is."""
        going = self._going[number]
        going.epoch, going.of, going.cost = epoch, of, cost

    def ended(self, job: JobState) -> None:
        """Take a job from those that are going."""
        self._going.pop(job.number, None)
        self._ended[job.status] += 1
        known = [job] if self.best is None else [self.best, job]
        self.best = best(known)

    def tell(self, text: str) -> None:
        """Say something that is to stay, above the view."""
        if self._live is not None:
            self._console.print(text, markup=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def refresh(self) -> None:
        """Show how it stands, where that was not done just now."""
        now = time.monotonic()
        if now - self._last < (PAUSE if self._live is None else OFTEN):
            return
        self._last = now
        if self._live is None:
            self._line()
        else:
            self._live.update(self._picture(), refresh=True)

    def _line(self) -> None:
        told = f"{self._standing()}{self._remaining()}"
        if self.best is not None:
            told += f"; best: {told_best(self.best)}"
        if told != self._told:
            print(told, file=sys.stderr, flush=True)
        self._told = told

    def _standing(self) -> str:
        """Count the jobs: 12 of 150 jobs done, 2 going, 1 failed, 136 left."""
        done, going = sum(self._ended.values()), len(self._going)
        parts = [f"{done} of {plural(self.total, 'job')} done"]
        parts += [f"{going} going"] if going else []
        for status in (PRUNED, "FAILED", "KILLED"):
            word = TOLD[status]
            parts += [f"{self._ended[status]} {word}"] if self._ended[status] else []
        left = self.total - done - going
        return ", ".join([*parts, *([f"{left} left"] if left else [])])

    def _remaining(self) -> str:
        """Estimate the time left from that of the jobs that are done."""
        left = self.total - sum(self._ended.values())
        done = self.total - left - self._before
        if not done or not left:
            return ""
        seconds = (time.monotonic() - self._began) * left / done
        return f", about {span(seconds)} to go"

    def _picture(self) -> Group:
        width = self._console.width
        done = sum(self._ended.values())
        bar = ProgressBar(self.total, done, width=max(10, min(width, 60)))
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        room = max(10, width - MOST_FIGURES)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=room)
        table.add_column(no_wrap=True)
        for each in [*self._going.values()][:MOST_SHOWN]:
            table.add_row(Text(each.state.named), each.shown)
        hidden = len(self._going) - MOST_SHOWN
        if hidden > 0:
            table.add_row(f"and {hidden} more", "")
        head = Text(f"{self._standing()}{self._remaining()}", style="bold")
        lines: list[RenderableType] = [head, Padding(bar), table]
        if self.best is not None:
            told = f"best: {told_best(self.best)}"
            lines.append(Text(told, no_wrap=True, overflow="ellipsis"))
        return Group(*lines)


def span(seconds: float) -> str:
    """Say a length of time: 42 s, 3:05 min, 2:10 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{int(seconds // 60)}:{int(seconds % 60):02} min"
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02} h"
