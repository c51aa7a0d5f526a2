"""What commands on stored runs have in common: how they are read, and the store they mean."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from gdexp import places
from gdexp.errors import GdexpError, SettingError
from gdexp.stored import Reader, open_store
from gdexp.tracking.settings import SQLITE, Tracking

STORE = ("outputs", "tracking.uri", "tracking.experiment")


class Parser(argparse.ArgumentParser):
    """Reads the words of a command; a mistake is a `GdexpError`.

    Parameters
    ----------
    command : str
    about : str
        What it does, in a sentence, and what else is to be known.
    """

    def __init__(self, command: str, about: str) -> None:
        super().__init__(
            f"python -m gdexp {command}",
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._command = command

    def with_store(self) -> "Parser":
        """Name the settings of the store in the help."""
        self.epilog = f"Settings of the store: {'=..., '.join(STORE)}=..."
        return self

    def error(self, message: str) -> NoReturn:
        """Refuse what cannot be read."""
        raise GdexpError(f"{self._command}: {message}. {self.prog} --help tells how it is used.")

    def with_runs(self, how: str = "RUN", *, where: bool = True, **more: Any) -> "Parser":
        """Take references to runs, conditions on them, and the settings of the store."""
        self.add_argument(
            "runs",
            nargs="*",
            metavar=how,
            help="a run's id or its beginning, its output folder, its name, latest or latest~1",
            **more,
        )
        if where:
            self.add_argument(
                "--where",
                default="",
                metavar="CONDITIONS",
                help='which runs, such as "optimizer=sgd and eta>=1 and best/val_accuracy>0.9"',
            )
        self.add_argument("--experiment", help="the experiment of MLflow in which to look")
        return self.with_store()

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words; ``name=value``, with the name of a setting of the store, is kept apart.

        Returns
        -------
        Namespace
            With ``store``, the settings of the store by name.
        """
        own, store = [], {}
        for word in words:
            name, _, value = word.partition("=")
            if name in STORE:
                if not value:
                    self.error(f"{name} must have a value")
                store[name] = value
            else:
                own.append(word)
        given = self.parse_intermixed_args(own)
        given.store = store
        return given


def tracking_of(store: dict[str, str]) -> Tracking:
    """Give the store that settings mean, completed by the environment and the defaults.

    Raises
    ------
    SettingError
        Where a value is not allowed.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", f"{SQLITE}{outputs_of(store)}/mlflow.db")
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "gdexp")
    try:
        return Tracking(store.get("tracking.uri", uri), store.get("tracking.experiment", name))
    except SettingError as error:
        raise error.of(f"tracking.{error.setting}") from None


def outputs_of(store: dict[str, str]) -> Path:
    """Give the outputs folder that settings mean."""
    return Path(store.get("outputs", places.outputs())).expanduser().absolute()


def open_reader(given: argparse.Namespace) -> tuple[Reader, str]:
    """Open the store that a command's words mean; give it and the experiment.

    Raises
    ------
    GdexpError
        Where there is none, or it cannot be read.
    """
    where = tracking_of(given.store)
    experiment = getattr(given, "experiment", None) or str(where.experiment)
    return open_store(where), experiment
