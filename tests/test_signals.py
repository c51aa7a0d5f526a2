"""Signals that ask for an end are neither lost nor turned into something else."""

import os
import signal
from collections.abc import Iterator

import pytest

from gdexp import signals
from gdexp.errors import Terminated


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals.ENDING}
    signals.keep()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    signal.sigpending()  # a system call: Python has handled the signal after it


def test_a_kept_signal_is_raised_where_it_can_be_taken() -> None:
    send(signal.SIGTERM)
    with pytest.raises(Terminated) as raised, signals.raised():
        pytest.fail("the signal came before")
    assert raised.value.code == 143
    signals.raise_kept()  # once only


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGHUP, Terminated)]
)
def test_inside_it_comes_at_once_and_outside_it_is_kept(
    number: int, kind: type[BaseException]
) -> None:
    with pytest.raises(kind), signals.raised():
        send(number)
    send(number)
    with pytest.raises(kind):
        signals.raise_kept()


def test_what_must_be_whole_is_finished_first() -> None:
    done = []

    def work() -> None:
        with signals.kept():
            send(signal.SIGINT)
            send(signal.SIGTERM)
            done.append("whole")
        done.append("never")

    with pytest.raises(KeyboardInterrupt), signals.raised():
        work()
    assert done == ["whole"]
    signals.raise_kept()  # the first counts


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.raised():
        send(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
