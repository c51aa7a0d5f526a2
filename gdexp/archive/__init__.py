"""Runs as one file, which another store can take in: no code, and checked before it is used."""

from gdexp.archive.form import Archive, ArchiveError
from gdexp.archive.listing import Listed, whole

__all__ = ["Archive", "ArchiveError", "Listed", "whole"]
