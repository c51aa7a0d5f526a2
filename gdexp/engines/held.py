"""What engines make once of a set of examples, for all runs of a process: a sweep has many."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from gdexp.data import Examples

T = TypeVar("T")

_HELD: WeakKeyDictionary[Examples, dict[Hashable, Any]] = WeakKeyDictionary()


def held(examples: Examples, key: Hashable, make: Callable[[], T]) -> T:
    """Give what `make` made for these examples and this key, made now if it is not there yet.

    Parameters
    ----------
    examples : Examples
        Told apart by identity; what is held goes when they go, so `make` must not hold on to them.
    key : hashable
        What else the result depends on: what it is, and a dtype.
    make : callable
    """
    of_these = _HELD.setdefault(examples, {})
    if key not in of_these:
        of_these[key] = make()
    value: T = of_these[key]
    return value
