"""python -m gdexp ui: the runs in the MLflow UI, opened on a comparison.

It serves until Ctrl-C, and prints the URL of the page as soon as it answers; those of the other
pages follow.
"""

from collections.abc import Sequence
from pathlib import Path

from gdexp.commands.pages import FIRST, PAGES, PLAIN, show, tell
from gdexp.commands.words import STORE, outputs_of, tracking_of
from gdexp.errors import GdexpError, SettingError
from gdexp.serving import process
from gdexp.tracking.moved import follow
from gdexp.tracking.settings import Tracking

SETTINGS = ("view", "port", "host", *STORE)
ABOUT = {
    "view=compare": "the curves of all runs, by epoch, updates, examples and seconds (default)",
    "view=table": "the same runs as a table of settings and results",
    "view=seeds": "runs that differ in their seeds alone drawn as one: mean, least, greatest",
    "view=sweep": "runs of sweeps by their settings: parallel coordinates, contours, bars",
    "view=plain": "MLflow's own page",
    "port=5000": "by default the first free one from 5000 on",
    "host=127.0.0.1": "for this machine alone (default); on any other address whoever reaches",
    "": "the port can read, change and delete all runs: nobody signs in",
    "outputs=FOLDER": "the outputs folder whose store is served",
    "tracking.uri=URI": "another store; for a server that runs already, only the URLs are printed",
    "tracking.experiment=NAME": "another experiment",
}


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C, and print the URL as soon as it answers; gives the exit status.

    Parameters
    ----------
    words : sequence of str
        ``view=...``, ``port=...``, ``host=...``, ``outputs=...``, ``tracking.uri=...``,
        ``tracking.experiment=...``.

    Raises
    ------
    GdexpError
        Where a word is none of these, there is no store, the port is taken, or the server fails.
    """
    if {"-h", "--help"} & set(words):
        print(f"{__doc__}\n  python -m gdexp ui [SETTING=VALUE ...]\n")
        print(*(f"  {name:<24} {about}" for name, about in ABOUT.items()), sep="\n")
        print("\nExample\n  python -m gdexp ui view=sweep port=5001")
        return 0
    given = _settings(words)
    outputs, tracking = outputs_of(given), _checked(tracking_of(given))
    view = _view(given.get("view", FIRST))
    if str(tracking.uri).startswith("http"):
        show(str(tracking.uri).rstrip("/"), tracking.experiment, view)
        return 0
    host = process.checked_host(given.get("host", process.HOST))
    port = process.chosen_port(given.get("port"), host)
    return _serve(tracking, host, port, outputs / "ui.log", view)


def _settings(words: Sequence[str]) -> dict[str, str]:
    given = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in SETTINGS or not value:
            raise GdexpError(f"ui: {word!r} is not a setting of it. Write {'=, '.join(SETTINGS)}=.")
        given[name] = value
    return given


def _checked(tracking: Tracking) -> Tracking:
    tracking.check()
    if tracking.database is not None:
        follow(tracking.database)
    if tracking.database is not None and not tracking.database.exists():
        raise GdexpError(
            f"ui: there is no store at {tracking.database} yet. "
            "Run an experiment first: python -m gdexp"
        )
    if str(tracking.uri).startswith("databricks"):
        raise GdexpError(f"tracking.uri: {tracking.shown} has a site of its own. Open that.")
    return tracking


def _view(given: str) -> str:
    if given not in (*PAGES, PLAIN):
        raise SettingError("view", f"{', '.join(PAGES)} or {PLAIN}", given, FIRST)
    return given


def _serve(tracking: Tracking, host: str, port: int, log: Path, view: str) -> int:
    tell(f"Opening {tracking.shown} ...")
    if host not in process.LOOPBACK:
        tell(
            f"host={host}: whoever reaches port {port} of this machine can read, change and "
            "delete all runs, since nobody signs in. docs/server.md tells of a server that asks."
        )
    words = ["--artifacts-destination", str(log.parent / "artifacts"), "--workers", "1"]
    database = {"MLFLOW_BACKEND_STORE_URI": str(tracking.uri)}  # argv would show its password
    with process.noted() as asked:
        try:
            server = process.MlflowServer(words, host, port, log, database)
        except OSError as error:
            raise GdexpError(f"outputs: cannot write {log} ({error.strerror}).") from None
        try:
            process.watch(server, asked, lambda: _show(server.url, tracking, view), "ui")
        finally:
            server.stop()
    return process.status(asked)


def _show(url: str, tracking: Tracking, view: str) -> None:
    show(url, tracking.experiment, view)
    tell("Ctrl-C stops it.")
