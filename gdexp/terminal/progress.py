"""Progress of one run: a bar where the terminal is interactive, plain lines where it is not."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gdexp.descent import Epoch

PAUSE = 0.5  # seconds between two plain lines, at least


class Progress:
    """Shows the epochs of a run as they come.

    Parameters
    ----------
    epochs : int, optional
        How many there will be; None where nobody knows.
    label : str
        Stands before each line.
    unit : str
        What they are called; a stream has reports.
    """

    def __init__(self, epochs: int | None, label: str = "", unit: str = "epoch") -> None:
        self.epochs, self.label, self.unit = epochs, label, unit
        self._told = -PAUSE
        self._bar: Bar | None = None

    def start(self) -> None:
        """Begin to show."""
        console = Console(stderr=True)
        if console.is_terminal and not console.is_dumb_terminal:
            self._bar = Bar(
                TextColumn(f"{self.label}{self.unit} {{task.completed}}{self._of}"),
                BarColumn(bar_width=min(40, max(8, console.width - 68))),
                TextColumn("{task.description}"),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                console=console,
            )
            self._bar.add_task("", total=self.epochs)
            self._bar.start()

    def show(self, epoch: Epoch) -> None:
        """Show an epoch; plain lines come at most twice a second, but the last always comes."""
        shown = [part for part, m in epoch.parts.items() if m.accuracy is not None]
        accuracies = [f"{part} {epoch.parts[part].accuracy:.2%}" for part in shown]
        cost = f"cost {epoch.cost:<9.4g}"
        if self._bar is not None:
            told = " ".join([cost, *accuracies[1:]])
            self._bar.update(self._bar.task_ids[0], completed=epoch.number, description=told)
            return
        now = time.monotonic()
        last = epoch.number == self.epochs or epoch.diverged or epoch.ended
        if now - self._told >= PAUSE or last:
            self._told = now
            number = f"{epoch.number:>{max(len(self._of) - 1, 0)}}{self._of}"
            told = f"{cost} accuracy {', '.join(accuracies)}" if accuracies else cost
            line = f"{self.label}{self.unit} {number}  {told}".rstrip()
            print(line, file=sys.stderr, flush=True)

    @property
    def _of(self) -> str:
        return "" if self.epochs is None else f"/{self.epochs}"

    def stop(self) -> None:
        """Leave the terminal as it was found."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
