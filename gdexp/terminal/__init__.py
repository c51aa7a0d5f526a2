"""What a person sees in the terminal: progress on standard error, results on standard output."""

from gdexp.terminal.progress import Progress
from gdexp.terminal.summary import print_summary, print_sweep

__all__ = ["Progress", "print_summary", "print_sweep"]
