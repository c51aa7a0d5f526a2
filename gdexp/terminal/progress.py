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
    epochs : int
        How many there will be.
    label : str
        Stands before each line.
    """

    def __init__(self, epochs: int, label: str = "") -> None:
        self.epochs, self.label = epochs, label
        self._told = -PAUSE
        self._bar: Bar | None = None

    def start(self) -> None:
        """Begin to show."""
        console = Console(stderr=True)
        if console.is_terminal and not console.is_dumb_terminal:
            self._bar = Bar(
                TextColumn(f"{self.label}epoch {{task.completed}}/{{task.total}}"),
                BarColumn(bar_width=min(40, max(8, console.width - 68))),
                TextColumn("{task.description}"),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                console=console,
            )
            self._bar.add_task("", total=self.epochs)
            self._bar.start()

    def show(self, epoch: Epoch) -> None:
        """Show an epoch; plain lines come at most twice a second, but the last always comes."""
        accuracies = {part: f"{part} {m.accuracy:.2%}" for part, m in epoch.parts.items()}
        cost = f"cost {epoch.cost:<9.4g}"
        if self._bar is not None:
            told = f"{cost} {accuracies['val']} {accuracies['test']}"
            self._bar.update(self._bar.task_ids[0], completed=epoch.number, description=told)
            return
        now = time.monotonic()
        if now - self._told >= PAUSE or epoch.number == self.epochs or epoch.diverged:
            self._told = now
            number = f"{epoch.number:>{len(str(self.epochs))}}/{self.epochs}"
            told = f"{cost} accuracy {', '.join(accuracies.values())}"
            line = f"{self.label}epoch {number}  {told}"
            print(line, file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Leave the terminal as it was found."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
