"""What a rule keeps from one update to the next, as the kernels read it."""

from typing import Any

from numpy.typing import NDArray

from gdexp.descent import Vector
from gdexp.engines.compiled.layout import Layout, Padded, aligned


class Kept:
    """Room for a rule's memory in the layout of the parameters, made when it is first needed.

    Between epochs the memory is in the descent's state, and only there.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._nothing = aligned(0, layout.problem.dtype)
        self._rooms: dict[str, Padded] = {}

    def arrays(self, names: tuple[str, ...]) -> tuple[NDArray[Any], ...]:
        """Give the arrays of these names; an empty one for an empty name."""
        return tuple(self._room(name).array if name else self._nothing for name in names)

    def pack(self, memory: dict[str, Vector]) -> None:
        """Bring a state's memory into the layout."""
        for name, vector in memory.items():
            self._room(name).pack(vector)

    def unpack(self, memory: dict[str, Vector]) -> None:
        """Bring the layout back into a state's memory, in place."""
        for name, vector in memory.items():
            self._room(name).unpack(vector)

    def _room(self, name: str) -> Padded:
        if name not in self._rooms:
            self._rooms[name] = self._layout.room()
        return self._rooms[name]
