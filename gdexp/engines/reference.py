"""The engine that people read, and that others are held against."""

from dataclasses import dataclass

from gdexp.descent import Plain
from gdexp.engines.engine import Engine, Prepared
from gdexp.problems import Network


class _Reference(Plain):
    name, how = "reference", "plain NumPy"


@dataclass(frozen=True)
class Reference(Engine):
    """Plain vectorised NumPy: descent's own way, for any problem."""

    def prepare(self, problem: Network) -> Prepared:
        """Nothing is to be made ready."""
        return _Reference()
