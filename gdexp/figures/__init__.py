"""Pictures and tables of a run, drawn without a display."""

from gdexp.figures.keep import keep
from gdexp.figures.line import draw_line
from gdexp.figures.path import draw_path, write_path

__all__ = ["draw_line", "draw_path", "keep", "write_path"]
