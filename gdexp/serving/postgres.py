"""A PostgreSQL server of our own, from the system's packages.

It listens on no port: only on a socket in a folder that its user alone can enter, so that nothing
needs a password, and there is none to be kept.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gdexp.errors import GdexpError
from gdexp.serving.process import end_with_parent

PLACES = (  # where packages put what is not on PATH, a folder a version
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
INSTALL = (
    "apt-get install postgresql, dnf install postgresql-server or brew install postgresql@17 does"
)
OTHERS = ("postgres", "nobody")  # one of whom it runs as, where we are root: it refuses to
OWNER, DATABASE = "gdexp", "mlflow"
PATIENCE = 60.0  # seconds that it may take to answer, as after a crash


class Postgres:
    """A PostgreSQL server, and a database in it.

    Parameters
    ----------
    folder : Path
        Where its data are, made when it is started first; and its log.
    durable : bool
        Whether it waits for the disk.

    Raises
    ------
    GdexpError
        Where it is not installed.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder, self._data, self.log = folder, folder / "data", folder / "postgres.log"
        self._durable = durable
        self._initdb, self._server = programs(_version(self._data))
        self._user, self._as = _other_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = Path()
        self._said_before = 0

    @property
    def uri(self) -> str:
        """The database, as MLflow and SQLAlchemy take it; without any password."""
        return f"postgresql+psycopg://{OWNER}@/{DATABASE}?host={quote(str(self._socket))}"

    def start(self) -> None:
        """Start it, and wait until it answers; the first time, make its data.

        Raises
        ------
        GdexpError
            Where it does not start.
        """
        try:
            self._make_folder()
            if _version(self._data) is None:
                self._make_data()
            self._socket = Path(tempfile.mkdtemp(prefix="gdexp-", dir=_short()))
            self._own(self._socket)
            self._begin()
            self._wait()
        except OSError as error:
            self.stop()
            raise GdexpError(f"PostgreSQL: {error.filename}: {error.strerror}.") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, in order."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)  # which breaks off what is under way
            self._process.wait()
            self._process = None
        if self._socket != Path():
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = Path()

    def alive(self) -> bool:
        """Whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def _make_folder(self) -> None:
        """Make a folder for its user alone, where he can get at it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(self._folder)
        if self._as and self._run("/bin/sh", "-c", 'cd "$0"', str(self._folder)).returncode:
            raise GdexpError(
                f"PostgreSQL does not run as root, and {self._user}, who it runs as "
                f"here, cannot enter {self._folder}. Write outputs=FOLDER, one that all users "
                "may pass through, or start the server as another user."
            )

    def _make_data(self) -> None:
        new = self._data.with_name("data.new")  # whole, or not there
        shutil.rmtree(new, ignore_errors=True)
        made = ["-D", str(new), "-U", OWNER, "--auth=trust"]
        made += ["--encoding=UTF8", "--no-locale", *([] if self._durable else ["--no-sync"])]
        ran = self._run(self._initdb, *made)
        if ran.returncode:
            why = " ".join(ran.stderr.decode(errors="replace").split())
            raise GdexpError(f"PostgreSQL: cannot make {self._data} ({why[:300]}).")
        new.rename(self._data)

    def _begin(self) -> None:
        words = ["-D", str(self._data), "-k", str(self._socket), "-c", "listen_addresses="]
        words += ["-c", "unix_socket_permissions=0700", *([] if self._durable else ["-F"])]
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                [self._server, *words],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGINT),
                **self._as,
            )

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._ready():
            if not self.alive() or time.monotonic() > until:
                raise GdexpError(f"PostgreSQL {self._trouble()} ({self.log} has all its words).")
            time.sleep(0.05)

    def _ready(self) -> bool:
        """Whether it answers, and has the database; which is made where it is not there."""
        import psycopg

        place = f"postgresql://{OWNER}@/{{}}?host={quote(str(self._socket))}"
        try:
            with psycopg.connect(place.format("postgres"), autocommit=True) as connection:
                known = "SELECT FROM pg_database WHERE datname = %s"
                if connection.execute(known, [DATABASE]).fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                return True
        except psycopg.OperationalError:
            return False

    def _trouble(self) -> str:
        if self.alive():
            return f"does not answer after {PATIENCE:g} s"
        said = self.log.read_bytes()[self._said_before :].decode(errors="replace")
        errors = re.findall(r"\b(?:FATAL|DETAIL|HINT): +(.+)", said)
        return "has ended: " + " ".join(errors)[:300] if errors else "has ended"

    def _run(self, *command: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=False,
            **self._as,
        )

    def _own(self, folder: Path) -> None:
        if self._user:
            shutil.chown(folder, self._user)


def programs(version: str | None = None) -> tuple[str, str]:
    """Find ``initdb`` and ``postgres``: on PATH, or the newest, or those of a version.

    Raises
    ------
    GdexpError
        Where PostgreSQL is not installed, or its driver is not.
    """
    from importlib.util import find_spec

    if find_spec("psycopg") is None:
        raise GdexpError(
            "PostgreSQL's driver, psycopg, is not installed. Write make server, "
            "or pip install 'gdexp[server]'."
        )
    path = os.environ.get("PATH", os.defpath)
    folders = [folder for place in PLACES for folder in Path("/").glob(place[1:])]
    folders.sort(key=lambda folder: (_number(folder) == version, float(_number(folder))))
    for place in (path, *map(str, reversed(folders))):
        found = [shutil.which(name, path=place) for name in ("initdb", "postgres")]
        if all(found):
            return str(found[0]), str(found[1])
    raise GdexpError(
        "PostgreSQL is not installed: there is no initdb and postgres on PATH, nor in "
        f"/usr/lib/postgresql/*/bin. Install it: {INSTALL}."
    )


def _number(folder: Path) -> str:
    """Give the version that a folder of programs is of."""
    found = re.findall(r"\d+(?:\.\d+)?", str(folder))
    return found[-1] if found else "0"


def _version(data: Path) -> str | None:
    """Give the version that made data; None where there are none."""
    try:
        return (data / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _other_user() -> tuple[str, dict[str, Any]]:
    """Name who it is to run as, where we are root, and what makes a process his."""
    if os.geteuid() != 0:
        return "", {}
    import pwd

    for name in OTHERS:
        with suppress(KeyError):
            ids = pwd.getpwnam(name)
            return name, {"user": ids.pw_uid, "group": ids.pw_gid, "extra_groups": []}
    raise GdexpError("PostgreSQL does not run as root. Start the server as another user.")


def _short() -> str | None:
    """Give a folder for sockets, whose paths may have 107 bytes."""
    usual = tempfile.gettempdir()
    return usual if len(usual.encode()) < 60 else "/tmp"
