"""The record of one run: its files, and its journal from start to end."""

from gdexp.record.record import Record

__all__ = ["Record"]
