"""Runs repeated from their records, and compared with them value by value."""

from gdexp.replay.again import request
from gdexp.replay.changed import Changed, changed
from gdexp.replay.checkout import checked_out, replayed
from gdexp.replay.recorded import Recorded, recorded
from gdexp.replay.values import Values, compared, of_journal
from gdexp.replay.verdict import Status, Verdict, beyond

__all__ = [
    "Changed",
    "Recorded",
    "Status",
    "Values",
    "Verdict",
    "beyond",
    "changed",
    "checked_out",
    "compared",
    "of_journal",
    "recorded",
    "replayed",
    "request",
]
