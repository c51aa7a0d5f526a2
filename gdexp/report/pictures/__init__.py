"""The figures as pictures, for Markdown: the same bytes from the same data."""

from gdexp.report.pictures.drawing import draw

__all__ = ["draw"]
