"""Pictures and tables of a run, drawn without a display."""

from gdexp.figures.path import draw_path, keep_path

__all__ = ["draw_path", "keep_path"]
