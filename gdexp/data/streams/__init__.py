"""Examples that arrive one after another: from a pipe, a file that grows, or a generator."""

from gdexp.data.streams.arrivals import Arrivals, Arriving, Example, replayed
from gdexp.data.streams.distorted import Distorted
from gdexp.data.streams.text import File, Stdin

__all__ = ["Arrivals", "Arriving", "Distorted", "Example", "File", "Stdin", "replayed"]
