"""The files of a stored run: its configuration, environment, history, journal, pictures."""

import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.stored.run import StoredRun
from gdexp.tracking.settings import masked

MOST = 256 * 2**20  # bytes of a file that is read whole


def read(run: StoredRun, name: str, uri: str) -> bytes:
    """Read a file of a run.

    Parameters
    ----------
    run : StoredRun
    name : str
        Its path below the run's artifacts, such as ``config/resolved.yaml``.
    uri : str
        The store that the run is of.

    Raises
    ------
    GdexpError
        Where there is none, or it cannot be read, or has more than 256 MiB.
    """
    folder = local(run)
    try:
        if folder is not None:
            return _read(folder / name)
        from gdexp.stored.client import downloaded  # mlflow knows how to reach the others

        with tempfile.TemporaryDirectory() as temporary:
            return _read(downloaded(uri, f"{run.artifacts}/{name}", temporary))
    except OSError as error:
        why = error.strerror or str(error)
        raise GdexpError(f"run {run.id[:8]}: cannot read its {name} ({masked(why)}).") from None


def local(run: StoredRun) -> Path | None:
    """Give the folder of a run's files where it is on this machine; None where it is not."""
    parts = urllib.parse.urlsplit(run.artifacts)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    return None if parts.scheme else Path(run.artifacts)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MOST:
        raise GdexpError(f"{path}: more than {MOST // 2**20} MiB, which is not read.")
    return path.read_bytes()
