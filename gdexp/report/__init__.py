"""Reports: what runs have in common and what not, as one page and as Markdown."""

from gdexp.report.selection import Selection, select
from gdexp.report.writing import write

__all__ = ["Selection", "select", "write"]
