"""What a person sees in the terminal: progress on standard error, results on standard output."""

from gdexp.terminal.counting import counting
from gdexp.terminal.live import SweepView
from gdexp.terminal.progress import Progress
from gdexp.terminal.summary import near, print_places, print_summary, program
from gdexp.terminal.sweep import print_plan, print_sweep

__all__ = [
    "Progress",
    "SweepView",
    "counting",
    "near",
    "print_places",
    "print_plan",
    "print_summary",
    "print_sweep",
    "program",
]
