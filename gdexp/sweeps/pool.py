"""A pool of workers that takes jobs one at a time, and survives any of them."""

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from typing import Any, Protocol

from gdexp.errors import Terminated
from gdexp.sweeps.workers import ASKED, TOLD, Work, Worker

TICK = 0.2  # seconds between two looks at the clock, where nothing happens
GRACE = 20.0  # seconds that workers have to write down their end

Job = tuple[int, bytes]
More = Callable[[], Job | None]


def _none() -> Job | None:
    return None


class Observer(Protocol):
    """Is told what becomes of the jobs."""

    def begun(self, number: int) -> None:
        """Hear that a worker has a job."""

    def told(self, number: int, what: Any) -> None:
        """Hear how far it is."""

    def asked(self, number: int, what: Any) -> Any:
        """Hear how far it is, and answer."""

    def ended(self, number: int, what: Any) -> bool:
        """Hear that it is done; say whether more are to begin."""

    def lost(self, number: int, why: str) -> bool:
        """Hear that its worker is gone; say whether more are to begin."""

    def tick(self) -> None:
        """Have a look at the clock."""


class Pool:
    """Workers that carry out jobs.

    Parameters
    ----------
    work : callable
        What they do with each; see `Worker`.
    count : int
        How many there are at once, at most.
    observer : Observer
    """

    def __init__(self, work: Work, count: int, observer: Observer) -> None:
        self._work, self._count, self._observer = work, count, observer
        self._workers: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._more: More = _none

    def run(self, jobs: Iterable[Job], more: More = _none) -> None:
        """Carry out jobs; whatever breaks that off ends the workers first.

        Parameters
        ----------
        jobs : iterable of Job
        more : callable
            Gives a job where a worker has none; None where there is none now.
        """
        self._waiting.extend(jobs)
        self._more = more
        try:
            # A job that is asked for while others go would know nothing of what they come to.
            while any(each.job is not None for each in self._workers) or self._filled():
                self._hand_out()
                pipes = {each.pipe: each for each in self._workers}
                for pipe in wait([*pipes], TICK):
                    self._hear(pipes[pipe])
                self._observer.tick()
        except BaseException as error:
            self._end(_signal_of(error))
            raise
        self._end(signal.SIGTERM)  # none has a job: their pipes end

    def _hand_out(self) -> None:
        idle = [each for each in self._workers if each.job is None]
        while (idle or len(self._workers) < self._count) and self._filled():
            if not idle:
                idle.append(Worker(self._work))
                self._workers += idle
            self._give(idle.pop())

    def _filled(self) -> bool:
        """Say whether a job waits, once more are asked for where none does."""
        if not self._waiting and (job := self._more()) is not None:
            self._waiting.append(job)
        return bool(self._waiting)

    def _give(self, worker: Worker) -> None:
        number, packed = self._waiting.popleft()
        worker.give(number, packed)
        self._observer.begun(number)

    def _hear(self, worker: Worker) -> None:
        heard, number = worker.hear(), worker.job
        if heard is None:
            self._bury(worker)
            return
        assert number is not None
        kind, what = heard
        if kind == TOLD:
            self._observer.told(number, what)
        elif kind == ASKED:
            worker.answer(self._observer.asked(number, what))
        else:
            worker.job = None
            if not self._observer.ended(number, what):
                self._stop()

    def _bury(self, worker: Worker) -> None:
        """Take a worker out that has died; the next job brings a new one."""
        self._workers.remove(worker)
        why = worker.buried()
        if worker.job is not None and not self._observer.lost(worker.job, why):
            self._stop()

    def _stop(self) -> None:
        """Begin no job any more."""
        self._waiting.clear()
        self._more = _none

    def _end(self, number: int) -> None:
        """End all workers, in order where they do so in time."""
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.signal(number)
        try:
            for worker in self._workers:
                worker.process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.process.join()


def _signal_of(error: BaseException) -> int:
    """Give the signal that passes on what has broken the command off."""
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    return int(str(error.code)) - 128 if isinstance(error, Terminated) else signal.SIGTERM
