"""The store that these tests share."""

from tests.stores import changed, reader, runs, store

__all__ = ["changed", "reader", "runs", "store"]
