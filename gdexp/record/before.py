"""What a run had written before it was interrupted, and goes through again: it is the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from gdexp.descent import Epoch
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted
from gdexp.tracking import names


class Before:
    """What is written of epochs that are yet to come: nothing, for a run that begins.

    Parameters
    ----------
    left : Interrupted or None
        What the run left when it was interrupted, where it goes on.
    told : dict of str to str
        Where it is told that another run came of it, if that was allowed.
    """

    def __init__(self, left: Interrupted | None, told: dict[str, str]) -> None:
        self._epochs = {} if left is None else left.ahead()
        self._updates = {} if left is None else left.updates()  # by the first of them
        self._looks = {} if left is None else left.looks()
        self._forced, self._told = left is not None and left.forced, told

    def has_epoch(self, epoch: Epoch, metrics: Mapping[str, float]) -> bool:
        """Say whether an epoch is written already; if so, it must have come out the same.

        Raises
        ------
        GdexpError
            Where it did not.
        """
        if (known := self._epochs.pop(epoch.number, None)) is None:
            return False
        then = {"cost": known["cost"], **known["metrics"]}
        self._compare(epoch.number, then, {"cost": epoch.cost, **metrics})
        return True

    def has_updates(self, epoch: int, first: int, costs: Sequence[float]) -> bool:
        """Say whether a line of updates is written already; if so, it must be the same.

        Raises
        ------
        GdexpError
            Where it is not.
        """
        if (known := self._updates.pop(first, None)) is None:
            return False
        called = [f"cost of update {first + k}" for k in range(len(costs))]
        then = dict(zip(called, known["costs"], strict=False))
        self._compare(epoch, then, dict(zip(called, costs, strict=True)))
        return True

    def look(self, epoch: Epoch, *, last: bool) -> dict[str, list[str]] | None:
        """Say what diagnostics remarked after an epoch, where that is written."""
        look = self._looks.pop((epoch.number, last), None)
        return None if look is None else dict(look["told"])

    def _compare(self, epoch: int, written: Mapping[str, Any], now: Mapping[str, float]) -> None:
        then = names.figures(written)
        other = [name for name in {**then, **now} if not _same(then.get(name), now.get(name))]
        if other and self._forced:
            self._told.setdefault("forced", f"from epoch {epoch} on it is another run")
        elif other:
            name = other[0]
            raise GdexpError(
                f"epoch {epoch}, gone through again, has {name} {now.get(name)!r}, "
                f"and had {then.get(name)!r}: this would be another run. Another machine, or "
                "another version of a library, computes here; --force goes on all the same."
            )


def _same(one: Any, other: Any) -> bool:
    return one == other or (one is not None and one != one and other != other)
