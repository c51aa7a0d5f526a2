"""What a person sees in the terminal: progress on standard error, results on standard output."""

from gdexp.terminal.progress import Progress
from gdexp.terminal.summary import near, print_places, print_summary, program
from gdexp.terminal.sweep import print_sweep

__all__ = ["Progress", "near", "print_places", "print_summary", "print_sweep", "program"]
