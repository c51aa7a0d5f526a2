"""A store that is away: which errors tell of that, and when it is asked again."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from gdexp.tracking.settings import AwayError

FIRST, LONGEST = 0.25, 30.0  # seconds until a store is asked again: doubled each time, at most

# What MLflow says of a request that will not do better later. All else is of the store's moment:
# 429, 401 and 403 too, since limits, passwords and rights are other people's, and change.
REFUSED = (
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_STATE",
    "ENDPOINT_NOT_FOUND",
    "FEATURE_DISABLED",
    "NOT_IMPLEMENTED",
)
PASSING = (401, 403, 408, 425, 429)  # of the statuses below 500 that an HTTP server answers
DATABASE = ("OperationalError", "InterfaceError", "InternalError", "TimeoutError", "DBAPIError")


def passing(error: BaseException) -> bool:
    """Say whether an error is of the store's moment, so that the same may succeed later.

    Told by what errors offer: neither MLflow nor SQLAlchemy is imported for it.
    """
    if isinstance(
        error, AwayError | HTTPException | json.JSONDecodeError
    ):  # an answer cut short, too
        return True
    if (code := getattr(error, "error_code", None)) is not None:
        return code not in REFUSED and "out-of-date database schema" not in str(error)
    library = type(error).__module__.partition(".")[0]
    if library == "requests":
        status = getattr(getattr(error, "response", None), "status_code", None)
        return status is None or status >= 500 or status in PASSING
    if library == "sqlalchemy":
        return any(kind.__name__ in DATABASE for kind in type(error).__mro__)
    return library in ("urllib3", "sqlite3") or isinstance(error, ConnectionError | TimeoutError)


class Link:
    """The way to a store, which all followers of a feeder share: open, or down for a while.

    Parameters
    ----------
    store : Store
    say : callable
        Tells the command, by name; of an outage as ``away``, which is empty when it is over.
    told : callable
        Tells an error in one line, and whole in the log.
    """

    def __init__(
        self, store: Any, say: Callable[..., None], told: Callable[[BaseException], str]
    ) -> None:
        self.store, self.say, self.told = store, say, told
        self.why = ""  # it was away, the last time
        self.refused: float | None = None  # since when it is there, and does not let us
        self.given_up = False  # there is no time to ask once more
        self.took_at = time.monotonic()
        self._pause, self._next = 0.0, 0.0

    @property
    def down(self) -> bool:
        """Whether the store is left in peace now."""
        return time.monotonic() < self._next

    @property
    def failing(self) -> bool:
        """Whether it did not take what it was sent last."""
        return self._pause > 0

    def failed(self, why: str, *, refused: bool = False) -> None:
        """Ask again later: each time after twice the pause."""
        self.why = why
        self.refused = (self.refused or time.monotonic()) if refused else None
        if not self._pause:
            self.say(away=why)
        self._pause = min(2 * self._pause or FIRST, LONGEST)
        self._next = time.monotonic() + self._pause

    def took(self) -> None:
        """Note that the store has taken something."""
        self.took_at = time.monotonic()
        if self._pause:
            self._pause, self._next, self.why, self.refused = 0.0, 0.0, "", None
            self.say(away="")
