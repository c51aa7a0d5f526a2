"""Which store runs go to, and whether it can be written to."""

import re
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from gdexp.errors import GdexpError, SettingError, real

SQLITE = "sqlite:///"
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


class AwayError(GdexpError):
    """A server that does not answer now, which `shown` says; it may later."""

    def __init__(self, uri: str, why: str) -> None:
        self.shown = f"tracking.uri: no MLflow server at {masked(uri)} ({why})"
        super().__init__(f"{self.shown}. Start it, name another, or write tracking=off.")


@dataclass(frozen=True)
class Tracking:
    """Where runs are tracked.

    Parameters
    ----------
    uri : str or None
        An MLflow tracking URI: a database or a server. None: nowhere.
    experiment : str or None
        The MLflow experiment that runs go to.
    patience : float
        Seconds that a store which takes nothing has, after the end of all training, before the
        feeder gives up, and leaves the rest to ``python -m gdexp sync``.

    Raises
    ------
    SettingError
        Where the URI is of no kind that MLflow can write to, no experiment is named, or patience
        is no number of seconds.
    """

    uri: str | None
    experiment: str | None = "gdexp"
    patience: float = 30.0

    def __post_init__(self) -> None:
        real("patience", self.patience, "30", "[0, inf)")
        if self.uri is None:
            return
        scheme = str(self.uri).partition(":")[0].partition("+")[0]
        if not isinstance(self.uri, str) or scheme not in SCHEMES:
            raise SettingError(
                "uri",
                "a URI of a database or a server",
                masked(self.uri),
                "sqlite:////ABSOLUTE/PATH",
                "tracking=off needs none.",
            )
        if scheme == "sqlite" and not re.fullmatch(r"sqlite:////[^%?#]*[^%?#/]", self.uri):
            raise SettingError(
                "uri",
                "sqlite:/// and an absolute path without %, ? and #",
                self.uri,
                "sqlite:////ABSOLUTE/PATH",
            )
        if not self.experiment or not isinstance(self.experiment, str):
            raise SettingError("experiment", "a name", self.experiment, "gdexp")

    @property
    def shown(self) -> str:
        """The URI as it may be shown: without its password."""
        return masked(self.uri)

    @property
    def database(self) -> Path | None:
        """The file of a SQLite store; None for any other."""
        if self.uri is None or not self.uri.startswith("sqlite:"):
            return None
        return Path(self.uri.removeprefix(SQLITE))

    def check(self, answer: float = 5.0) -> None:
        """Find out, cheaply and without MLflow, what would keep a run from being tracked.

        Parameters
        ----------
        answer : float
            Seconds that a server has to say that it is there.

        Raises
        ------
        AwayError
            Where the server does not answer, which it may later.
        GdexpError
            Where what answers is none, or the database is not one or cannot be written.
        """
        if self.database is not None:
            _check_database(self.database)
        elif self.uri is not None and self.uri.startswith("http"):
            _check_server(self.uri, answer)


def masked(uri: object) -> str:
    """Give a URI with its password replaced."""
    return re.sub(r"(//[^:/@]*):[^@/]*@", r"\1:***@", str(uri))


def _check_database(path: Path) -> None:
    head = b""
    try:
        if path.exists():
            with path.open("r+b") as file:
                head = file.read(16)
        else:
            folder = next(each for each in path.parents if each.exists())
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise GdexpError(
            f"tracking.uri: cannot write to {path} ({error.strerror}). "
            "Make it writable, name another store, or write tracking=off."
        ) from None
    if head not in (b"", b"SQLite format 3\0"):
        raise GdexpError(
            f"tracking.uri: {path} is not an SQLite database. "
            "Move it away, name another store, or write tracking=off."
        )


def _check_server(uri: str, seconds: float) -> None:
    try:
        where = re.sub(r"//[^/@]*@", "//", uri)  # the question needs no password
        with urllib.request.urlopen(where.rstrip("/") + "/health", timeout=seconds) as answer:
            if answer.read(2) == b"OK":
                return
    except urllib.error.HTTPError as error:
        if error.code >= 500 or error.code in (401, 403, 408, 429):
            raise AwayError(uri, f"the server answers {error.code} {error.reason}") from None
    except (OSError, ValueError, HTTPException) as error:
        raise AwayError(uri, str(getattr(error, "reason", error))) from None
    raise GdexpError(
        f"tracking.uri: what answers at {masked(uri)} is not an MLflow server. "
        "Start one, name another, or write tracking=off."
    )
