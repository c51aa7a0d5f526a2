"""``python -m gdexp server``: an MLflow server for several people, on this machine."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gdexp.errors import GdexpError, SettingError

if TYPE_CHECKING:
    from gdexp.serving import MlflowServer
    from gdexp.serving.passwords import Administrator
    from gdexp.serving.team import Site

ABOUT = """\
python -m gdexp server: an MLflow server for several people

It runs on PostgreSQL, which is to be installed. Runs and their files go through
it; people sign in, and may do only what they were given. It prints its URL, who
is its administrator and where his password is. Ctrl-C ends all it started.
docs/server.md has the rest.

  python -m gdexp server [SETTING=VALUE ...]

  outputs=FOLDER     all it has is in FOLDER/server (default: the outputs folder)
  port=5000          by default the first free one from 5000 on
  host=127.0.0.1     where it listens (default: only for this machine); 0.0.0.0
                     is for all that reach this machine
  names=NAME,NAME    other names by which it is reached: no others are answered
  certificate=FILE key=FILE authority=FILE
                     certificates of your own, as PEM: the server's, its key, and
                     that of who signed it. By default they are made here
  workers=1          processes that answer

Environment
  MLFLOW_AUTH_ADMIN_PASSWORD   the administrator's password, at least 12
                               characters; without, one is made, and kept in a
                               file that you alone can read
  MLFLOW_AUTH_ADMIN_USERNAME   his name (default: admin)

Example
  python -m gdexp server host=0.0.0.0 names=mlflow.example.org workers=2
"""
TLS = ("certificate", "key", "authority")
SETTINGS = ("outputs", "port", "host", "names", *TLS, "workers")
NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C; gives the exit status.

    Raises
    ------
    GdexpError
        Where a word cannot be, something is not installed, or the server fails.
    """
    if {"-h", "--help"} & set(words):
        print(ABOUT, end="")
        return 0
    given = _settings(words)
    from gdexp.commands.pages import tell
    from gdexp.commands.words import outputs_of  # none of it for --help
    from gdexp.serving import Postgres, process, team
    from gdexp.serving.passwords import Administrator
    from gdexp.terminal import near

    folder = outputs_of(dict(given)) / "server"
    team.check()
    try:
        postgres, administrator = Postgres(folder / "postgres"), Administrator(folder)
        site = _site(given, folder)
        with process.noted() as asked:
            tell(f"Starting PostgreSQL and MLflow in {near(folder)} ...")
            with team.serving(site, administrator, postgres) as server:
                process.watch(server, asked, lambda: _show(server, site, administrator), "server")
    except OSError as error:
        raise GdexpError(f"server: cannot use {error.filename} ({error.strerror}).") from None
    return process.status(asked)


def _settings(words: Sequence[str]) -> Mapping[str, str]:
    given = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in SETTINGS or not value:
            listed = "=, ".join(SETTINGS)
            raise GdexpError(f"server: {word!r} is not a setting of it. Write {listed}=.")
        given[name] = value
    return given


def _site(given: Mapping[str, str], folder: Path) -> "Site":
    from gdexp.serving import certificates, process, team

    host = process.checked_host(given.get("host", process.HOST))
    names = [name for name in given.get("names", "").split(",") if name]
    for name in names:
        if not NAME.fullmatch(name):
            raise SettingError("names", "names or addresses, with commas", name, "mlflow.lab.org")
    own = [given[name] for name in TLS if name in given]
    if own and len(own) < len(TLS):
        missing = ", ".join(name for name in TLS if name not in given)
        raise GdexpError(f"{missing}: missing. Write all of {'=, '.join(TLS)}=, or none of them.")
    tls = (
        certificates.given(*own)
        if own
        else certificates.own(folder / "tls", team.reached(host, names))
    )
    port = process.chosen_port(given.get("port"), host)
    return team.Site(folder, host, port, names, tls, _workers(given.get("workers", "1")))


def _workers(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= 64:
        raise SettingError("workers", "a whole number from 1 to 64", given, "2")
    return int(given)


def _show(server: "MlflowServer", site: "Site", administrator: "Administrator") -> None:
    """Print the URL, and tell who may sign in, and how gdexp is pointed there."""
    from gdexp.commands.pages import tell
    from gdexp.serving import passwords, process, team
    from gdexp.terminal import near, program
    from gdexp.tracking.asking import AUTHORITY, PASSWORD

    where = {"MLFLOW_TRACKING_URI": server.url, AUTHORITY: str(site.certificates.authority)}
    administrator.write(where)
    print(server.url, flush=True)
    tell(f"user      {administrator.name}")
    if not team.knows(server, administrator, site.certificates.authority):
        tell("password  another one, from when this server was first started")
        tell(f"          ({passwords.GIVEN} counts only then; docs/server.md changes it)")
    else:
        tell(f"password  {passwords.GIVEN if administrator.given else administrator.file}")
    tell(f"logs      {near(site.log)}, {near(site.folder / 'postgres' / 'postgres.log')}")
    if site.host not in process.LOOPBACK:
        listed = ", ".join(team.reached(site.host, site.names))
        tell(f"reached   from other machines, too, as {listed}")
    tell("To use it, in another terminal:")
    tell(f"  . {shlex.quote(str(administrator.file))}")
    if administrator.given:
        tell(f"  export {PASSWORD}=...")
    tell(f"  {program()}")
    tell("Ctrl-C stops it.")
