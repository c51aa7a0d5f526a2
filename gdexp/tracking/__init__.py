"""What happened to a run, kept: journal, checkpoints, and the feeder that brings it into MLflow.

The process that trains imports no mlflow: `store` does, and what it is made of, which only the
feeding process loads.
"""

from gdexp.tracking.checkpoint import Checkpointing
from gdexp.tracking.feeder import Fed, Feeder
from gdexp.tracking.journal import Journal, JournalError, Journaling, Reader
from gdexp.tracking.settings import Tracking

__all__ = [
    "Checkpointing",
    "Fed",
    "Feeder",
    "Journal",
    "JournalError",
    "Journaling",
    "Reader",
    "Tracking",
]
