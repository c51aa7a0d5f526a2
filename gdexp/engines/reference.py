"""The engine that people read, and that others are held against."""

from dataclasses import dataclass
from typing import Any

from gdexp.descent import Stepwise
from gdexp.engines.engine import Engine, Prepared


class _Reference(Stepwise):
    name, how = "reference", "plain NumPy"


@dataclass(frozen=True)
class Reference(Engine):
    """Plain vectorised NumPy: descent's own way, for any problem."""

    def prepare(self, problem: Any) -> Prepared:
        """Nothing is to be made ready."""
        return _Reference()
