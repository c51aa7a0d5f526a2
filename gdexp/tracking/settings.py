"""Which store runs go to, and whether it can be written to."""

import os
import re
import tempfile
import urllib.error
import urllib.parse
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from gdexp.errors import GdexpError, SettingError, real
from gdexp.tracking.asking import OTHERWISE, ask
from gdexp.tracking.refusal import refused

SQLITE = "sqlite:///"
# Where passwords stand. Of a database's URI it may have a /, and ends at the first @; of a server's
# it is what stands before the last @ of its first part.
DATABASE = re.compile(r"((?:postgresql|mysql|mssql)[\w+]*://[^:/@\s]*):[^@\s]*@")
SERVER = re.compile(r"(//[^:/@\s]*):[^/\s]*@")
QUERY = re.compile(r"([?&](?:password|passwd|pwd|sslpassword|token)=)[^&\s\"')]*", re.IGNORECASE)
SIGNING = 3.0  # seconds that a server which is there has to look a password up: slow on purpose
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


class AwayError(GdexpError):
    """A server that does not answer now, which `shown` says; it may later."""

    def __init__(self, uri: str, why: str) -> None:
        self.shown = f"tracking.uri: no MLflow server at {masked(uri)} ({why})"
        super().__init__(f"{self.shown}. Start it, name another, or write tracking=off.")


class RefusedError(AwayError):
    """A server that refuses what is asked of it, which `shown` says: somebody has no right to it.

    It may later, where somebody is given it.
    """

    def __init__(self, uri: str, why: str) -> None:
        self.refusal = why
        self.shown = f"tracking.uri: {masked(uri)} {why}"
        GdexpError.__init__(self, f"{self.shown}.")


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
        RefusedError
            Where it does not let this user read the experiment.
        GdexpError
            Where what answers is none, or the database is not one or cannot be written.
        """
        if self.database is not None:
            _check_database(self.database)
        elif self.uri is not None and self.uri.startswith("http"):
            _check_server(self.uri, self.experiment or "", answer)


def masked(uri: object) -> str:
    """Give a URI, or a text with such in it, with passwords replaced."""
    return QUERY.sub(r"\1***", DATABASE.sub(r"\1:***@", SERVER.sub(r"\1:***@", str(uri))))


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


def _check_server(uri: str, experiment: str, seconds: float) -> None:
    """Ask whether it is there, which needs no password, and then what it knows of an experiment."""
    place = uri.rstrip("/")
    try:
        if ask(f"{place}/health", seconds, signed=False)[:2] == b"OK":
            _check_rights(place, experiment)
            return
    except urllib.error.HTTPError as error:
        if error.code >= 500 or error.code in (401, 403, 408, 429):
            raise AwayError(uri, f"the server answers {error.code} {error.reason}") from None
    except (OSError, ValueError, HTTPException) as error:
        if why := refused(error, uri):
            raise RefusedError(uri, why) from None
        raise AwayError(uri, str(getattr(error, "reason", error))) from None
    raise GdexpError(
        f"tracking.uri: what answers at {masked(uri)} is not an MLflow server. "
        "Start one, name another, or write tracking=off."
    )


def _check_rights(place: str, experiment: str) -> None:
    """Find out whether somebody may read an experiment; what else it answers is no matter here."""
    if any(os.environ.get(name) for name in OTHERWISE):
        return
    named = urllib.parse.quote(experiment, safe="")
    try:
        ask(f"{place}/api/2.0/mlflow/experiments/get-by-name?experiment_name={named}", SIGNING)
    except urllib.error.HTTPError as error:
        if why := refused(error, place, experiment):
            raise RefusedError(place, why) from None
    except (OSError, ValueError, HTTPException):
        pass  # such as too late: it is there all the same
