"""Signals that ask a command to end: kept while nobody could take them, raised where one can.

Python raises between any two instructions. In the middle of an import, or of a library that
catches everything, what is raised there is lost, or comes out as quite another error.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from gdexp.errors import Terminated

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_kept: list[int] = []


def keep() -> None:
    """Only note signals from now on; those that are ignored, as under nohup, stay ignored."""
    _have(_note)


def forget() -> None:
    """Forget the signals that were kept: they were another process's, which has forked."""
    _kept.clear()


def raise_kept() -> None:
    """Raise the first of the signals that were kept, and forget the others.

    Raises
    ------
    KeyboardInterrupt
        For Ctrl-C.
    Terminated
        For SIGTERM and SIGHUP.
    """
    kept = _kept[:]
    _kept.clear()
    if kept:
        _raise(kept[0], None)


@contextmanager
def raised() -> Iterator[None]:
    """Raise signals as exceptions inside, first the one that was kept until now."""
    before = _have(_raise)
    try:
        raise_kept()
        yield
    finally:
        _restore(before)


@contextmanager
def kept() -> Iterator[None]:
    """Keep signals inside, and hand the first to whoever takes them outside."""
    before = _have(_note)
    try:
        yield
    finally:
        _restore(before)
        caught = _kept[:1]
        _kept.clear()
        for number in caught:
            signal.raise_signal(number)


def _have(handler: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Install a handler, and give those before; only the main thread can, and is interrupted."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    taken = (number for number in ENDING if signal.getsignal(number) not in (signal.SIG_IGN, None))
    return {number: signal.signal(number, handler) for number in taken}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _note(number: int, frame: FrameType | None) -> None:
    _kept.append(number)


def _raise(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(128 + number)
