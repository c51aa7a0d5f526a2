"""What goes into the store in one step: sent by itself, each part would cost a transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Point = tuple[int, int, Mapping[str, Any]]  # time (ms since 1970), step, and figures by name


@dataclass
class Batch:
    """Parameters, figures and tags of one run."""

    params: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.params or self.points or self.tags)
