"""The page: its template, style and script; and how they are put together."""

from gdexp.report.page.html import render

__all__ = ["render"]
