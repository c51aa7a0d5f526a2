"""A server for several people: PostgreSQL, proxied artifacts, sign-in, allowed hosts, TLS."""

import secrets
import shlex
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from gdexp.errors import GdexpError
from gdexp.serving.certificates import Certificates
from gdexp.serving.passwords import GIVEN, NAMED, Administrator
from gdexp.serving.postgres import Postgres
from gdexp.serving.process import EVERYWHERE, LOOPBACK, MlflowServer
from gdexp.tracking.asking import AUTHORITY, PASSWORD, TOKEN, USER, ask
from gdexp.tracking.hold import Hold

SECRET_KEY = "MLFLOW_FLASK_SERVER_SECRET_KEY"
# A client's, which would have the server ask itself.
NOT_ITS = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", USER, PASSWORD, TOKEN, AUTHORITY)
AUTH = """\
# Written at each start. Users and what they may do are in the database.
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = {uri}
admin_username = {admin}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 30
"""
# The cache: a password is checked slowly on purpose, a tenth of a second for each request.


@dataclass(frozen=True)
class Site:
    """Where a server is, and what it is made of.

    Parameters
    ----------
    folder : Path
        Its data, artifacts and logs.
    host, port
        Where it listens.
    names : sequence of str
        By which else it is reached.
    certificates : Certificates
    workers : int
        Processes that answer.
    """

    folder: Path
    host: str
    port: int
    names: Sequence[str]
    certificates: Certificates
    workers: int = 1

    @property
    def log(self) -> Path:
        """What MLflow says."""
        return self.folder / "mlflow.log"


def check() -> None:
    """Find out whether what MLflow needs to have people sign in is installed.

    Raises
    ------
    GdexpError
        Where it is not.
    """
    if find_spec("flask_wtf") is None:
        raise GdexpError(
            "signing in needs Flask-WTF, which is not installed. Write make server, "
            "or pip install 'gdexp[server]'."
        )


@contextmanager
def serving(site: Site, administrator: Administrator, postgres: Postgres) -> Iterator[MlflowServer]:
    """Start PostgreSQL and MLflow, and end both, in order.

    Parameters
    ----------
    site : Site
    administrator : Administrator
    postgres : Postgres

    Raises
    ------
    GdexpError
        Where one of them does not start, or another command holds the folder.
    """
    site.folder.mkdir(parents=True, exist_ok=True)
    try:
        hold = Hold(site.folder, "server.lock")
    except BlockingIOError:
        raise GdexpError(f"outputs: {site.folder} is served already, by another command.") from None
    try:
        postgres.start()
        server = _mlflow(site, administrator, postgres.uri)
        try:
            yield server
        finally:
            server.stop()
    finally:
        postgres.stop()
        hold.let_go()


def _mlflow(site: Site, administrator: Administrator, database: str) -> MlflowServer:
    config = site.folder / "auth.ini"
    shown = {"uri": database, "admin": administrator.name}
    config.write_text(AUTH.format(**{key: each.replace("%", "%%") for key, each in shown.items()}))
    tls = site.certificates
    options = ["--ssl-keyfile", str(tls.key), "--ssl-certfile", str(tls.certificate)]
    options += ["--timeout-graceful-shutdown", "3"]  # seconds, for clients that stay connected
    words = ["--app-name", "basic-auth", "--workers", str(site.workers)]
    words += ["--artifacts-destination", str(site.folder / "artifacts")]
    words += ["--allowed-hosts", ",".join(allowed(site.host, site.names))]
    words += ["--uvicorn-opts", shlex.join(options)]
    if site.names:
        origins = [f"https://{name}{end}" for name in site.names for end in ("", ":*")]
        words += ["--cors-allowed-origins", ",".join(origins)]
    env = {  # and not words, which `ps` shows to everybody
        **dict.fromkeys(NOT_ITS, ""),
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        NAMED: administrator.name,
        GIVEN: administrator.password,
        SECRET_KEY: secrets.token_hex(32),  # of sessions in a browser, which end with the server
    }
    return MlflowServer(words, site.host, site.port, site.log, env, tls.authority)


def reached(host: str, names: Sequence[str]) -> list[str]:
    """Give the names and addresses by which a server is reached."""
    own = [] if host in EVERYWHERE else [host]
    return [*dict.fromkeys((*LOOPBACK, *own, *names))]


def allowed(host: str, names: Sequence[str]) -> list[str]:
    """Give the hosts that requests may be for, with and without a port."""
    listed = [f"[{name}]" if ":" in name else name for name in reached(host, names)]
    return [f"{name}{end}" for name in listed for end in ("", ":*")]


def knows(server: MlflowServer, administrator: Administrator, authority: Path) -> bool:
    """Whether the password is the administrator's: MLflow takes one when it is first started."""
    signed = f"{quote(administrator.name, safe='')}:{quote(administrator.password, safe='')}@"
    question = "api/2.0/mlflow/users/get?username=" + quote(administrator.name, safe="")
    with suppress(OSError, ValueError, HTTPException):
        try:
            ask(f"{server.url.replace('//', f'//{signed}')}/{question}", authority=authority)
        except urllib.error.HTTPError as error:
            return error.code != 401
    return True
