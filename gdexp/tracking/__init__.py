"""What happened to a run, kept: the journal, and the feeder that brings it into MLflow.

Nothing here imports mlflow but `store`, which only the feeding process loads.
"""

from gdexp.tracking.feeder import Fed, Feeder
from gdexp.tracking.journal import Journal, JournalError, Reader
from gdexp.tracking.settings import Tracking

__all__ = ["Fed", "Feeder", "Journal", "JournalError", "Reader", "Tracking"]
