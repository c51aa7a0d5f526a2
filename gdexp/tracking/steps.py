"""What is to be done in a store for one run, step by step; a step stays until it has succeeded."""

from collections import deque
from collections.abc import Callable

from gdexp.tracking.outage import Link, passing
from gdexp.tracking.refusal import refused

MOST = 50  # steps that wait: beyond those the journal is not read on, which is queue enough
TRIES = 3  # of a step that is refused for good, a tick apart; then the next ones have their turn

Step = Callable[[], None]


class Steps:
    """Steps in order, and those that close a run, after all others.

    While the store is away the steps stay, and wait as long as the link says. A step that is
    refused for good is left out after a few tries.

    Parameters
    ----------
    link : Link
        The store.
    sure : callable
        Finds out what the store has: called before the step that follows a failed one, since
        nobody knows whether a request that failed was carried out.
    """

    def __init__(self, link: Link, sure: Step) -> None:
        self._link, self._sure = link, sure
        self._steps: deque[Step] = deque()
        self._closing: deque[Step] = deque()
        self._tries = 0
        self.begun = False  # whether there is a run
        self.unsure = False  # whether the store took what it was sent last
        self.error = ""  # of the first step that was left out

    def __bool__(self) -> bool:
        return bool(self._steps or self._closing)

    @property
    def full(self) -> bool:
        """Whether no more are to be added for now."""
        return len(self._steps) >= MOST

    @property
    def closing(self) -> bool:
        """Whether steps are planned that close the run."""
        return bool(self._closing)

    def add(self, step: Step) -> None:
        """Plan a step."""
        self._steps.append(step)

    def close(self, step: Step) -> None:
        """Plan a step that closes the run."""
        self._closing.append(step)

    def stay_open(self) -> None:
        """Take back what closes the run."""
        self._closing.clear()

    def clear(self) -> None:
        """Leave all out."""
        self._steps.clear()
        self._closing.clear()

    def carry_out(self, *, closing: bool, final: bool = False) -> None:
        """Carry out what can be; `closing`: all of it; `final`: there is no later."""
        while (steps := self._steps or self._closing) and (steps is self._steps or closing):
            if not self._try(steps, final=final):
                return

    def _try(self, steps: deque[Step], *, final: bool) -> bool:
        """Carry out the first step; False where it is to be tried again later."""
        if final and self._link.given_up:
            steps.popleft()
            return True
        if self._link.down and not final:
            return False
        try:
            if self.unsure and self.begun:
                self._sure()
                self.unsure = False
            steps[0]()
        except Exception as error:
            return self._failed(steps, error, final=final)
        self._link.took()
        self._tries = 0
        if steps:  # the step may have left all others out
            steps.popleft()
        return True

    def _failed(self, steps: deque[Step], error: Exception, *, final: bool) -> bool:
        """Deal with a step that failed; True where it is left out."""
        self.unsure, why = True, self._link.told(error)
        if passing(error) and not final:
            self._link.failed(why, refused=bool(refused(error)))
            if self.begun and steps is self._steps:
                steps.rotate(-1)  # where it is refused for itself, others have their turn
            return False
        self._link.given_up |= final and passing(error)
        self._tries += 1
        if self._tries < TRIES and not final:
            return False
        self._tries, self.error = 0, self.error or why
        if not self.begun:  # without a run there is nothing to be sent
            self.clear()
            return True
        steps.popleft()
        return True
