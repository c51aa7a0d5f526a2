"""Runs as one file, which another store can take in: no code, and checked before it is used."""

import os

from gdexp.archive.form import Archive, ArchiveError
from gdexp.archive.listing import Listed, whole

# What MLflow, which is loaded after this, would say by itself: a URL may hold a password.
for name in ("SUPPRESS_PRINTING_URL_TO_STDOUT", "DISABLE_TELEMETRY"):
    os.environ.setdefault(f"MLFLOW_{name}", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

__all__ = ["Archive", "ArchiveError", "Listed", "whole"]
