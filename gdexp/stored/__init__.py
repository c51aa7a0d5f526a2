"""Runs as MLflow has them: read back, found, and laid out as tables."""

from gdexp.stored.find import find, find_one
from gdexp.stored.frames import epochs, summary
from gdexp.stored.history import History, history
from gdexp.stored.reader import Reader, open_store
from gdexp.stored.run import StoredRun
from gdexp.stored.where import Where

__all__ = [
    "History",
    "Reader",
    "StoredRun",
    "Where",
    "epochs",
    "find",
    "find_one",
    "history",
    "open_store",
    "summary",
]
