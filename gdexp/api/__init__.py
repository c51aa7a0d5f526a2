"""For Python and notebooks: runs carried out, and stored runs as tables."""

from gdexp.api.running import Run, run
from gdexp.api.tables import epochs, runs

__all__ = ["Run", "epochs", "run", "runs"]
