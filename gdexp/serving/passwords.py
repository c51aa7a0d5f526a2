"""The administrator's password: of the environment, or made once and kept for its user alone."""

import hashlib
import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.tracking.asking import PASSWORD, USER

GIVEN, NAMED = "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_AUTH_ADMIN_USERNAME"
ADMIN = "admin"
SHORTEST = 12  # characters: MLflow wants as many
KNOWN = "password1234"  # which MLflow had, once, and refuses now


class Administrator:
    """Who may do everything on a server.

    Parameters
    ----------
    folder : Path
        The server's. What is made here is not kept there, nor anywhere else among outputs, which
        are looked through, copied and shown to others.

    Raises
    ------
    GdexpError
        Where the environment's password cannot be taken.
    """

    def __init__(self, folder: Path) -> None:
        import platformdirs

        self.name = os.environ.get(NAMED) or ADMIN
        self.given = GIVEN in os.environ
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
        self.file = platformdirs.user_state_path("gdexp") / f"server-{digest}.env"
        found = os.environ[GIVEN] if self.given else self._kept()
        self.password = found if self.given else found or secrets.token_urlsafe(24)
        if self.given and (len(self.password) < SHORTEST or self.password == KNOWN):
            raise GdexpError(
                f"{GIVEN}: must have at least {SHORTEST} characters, and not be one that MLflow "
                "was shipped with. Set another one, or none: then one is made."
            )

    def write(self, settings: Mapping[str, str]) -> None:
        """Keep what points a shell at the server, with the password where it was made here.

        Raises
        ------
        OSError
            Where that cannot be written.
        """
        own = {} if self.given else {PASSWORD: self.password}
        lines = {**settings, USER: self.name, **own}.items()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(0o600)
        new.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in lines))
        new.rename(self.file)

    def _kept(self) -> str:
        """Give the password that was made before; empty where none was."""
        try:
            words = shlex.split(self.file.read_text())
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise GdexpError(
                f"{self.file}: cannot be read ({error}). It has the password."
            ) from None
        found = [word.partition("=") for word in words]
        return next((value for name, _, value in found if name == PASSWORD), "")
