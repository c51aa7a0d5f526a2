"""The feeder as the command sees it: a process beside the training that knows MLflow.

The command tells it over its standard input which output folders to follow; it answers over its
standard output. When its input ends, however the command ended, it closes what is open and goes.
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gdexp.tracking.settings import Tracking

LIMIT = 180.0  # seconds that a command waits at its end for an MLflow that is merely slow
PAUSE = 0.01  # seconds between two looks whether MLflow has a run


@dataclass
class Fed:
    """What the feeder said of one run."""

    run_id: str | None = None
    experiment_id: str | None = None
    done: bool = False
    error: str | None = None
    left: str = ""  # why MLflow was left as it is
    points: int = 0  # that were sent
    there: int = 0  # that MLflow had


class Feeder:
    """Brings the journals of a command's runs into MLflow, beside the training.

    Parameters
    ----------
    tracking : Tracking
        The store. Without a URI there is no process, and nothing is fed.
    outputs : Path
        Where a local store keeps its artifacts, and where the feeder's own log goes.
    """

    def __init__(self, tracking: Tracking, outputs: Path) -> None:
        self.tracking, self.log = tracking, outputs / "feeder.log"
        self.runs: dict[Path, Fed] = {}
        self.sweep: Path | None = None
        self.error: str | None = None
        self.late = False  # whether it was not waited for
        self.away = ""  # why the store takes nothing now
        self._away_at = 0.0  # since when
        self._process = self._begin(outputs) if tracking.uri is not None else None

    def _begin(self, outputs: Path) -> "subprocess.Popen[str]":
        outputs.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gdexp.tracking.feed"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C in a terminal goes to the whole group: the feeder is to outlive it, so
                # that it can say in the store how the run ended.
                start_new_session=True,
                env={**os.environ, **_quiet()},
            )
        self._listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._listener.start()
        tracking = self.tracking
        store = {"uri": tracking.uri, "experiment": tracking.experiment}
        more = {"artifacts": str(outputs / "artifacts"), "patience": tracking.patience}
        self._tell(process, {**store, **more})
        return process

    def feed(
        self, folder: Path, *, sweep: bool = False, again: bool = False, parent: str = ""
    ) -> None:
        """Follow the journal in `folder` from now on; of a sweep, those of its jobs, too.

        Parameters
        ----------
        folder : Path
        sweep : bool
            Whether it is that of a sweep.
        again : bool
            Whether the store may have some of it already, from another time.
        parent : str
            The id of the sweep's run, where it is a job of one that is not followed itself.
        """
        if self._process is not None:
            self.runs[folder] = Fed()
            self.sweep = folder if sweep else None
            more = {"again": again, "parent": parent}
            self._tell(self._process, {"folder": str(folder), "sweep": sweep, **more})

    def finish(self, timeout: float | None = None) -> bool:
        """Say that no more comes, and wait until MLflow has everything; False if it has not.

        Parameters
        ----------
        timeout : float, optional
            Seconds; None for as long as `tracking.patience` and a store that is slow may need.
        """
        if self._process is None:
            return True
        timeout = self.tracking.patience + LIMIT if timeout is None else timeout
        self.leave()
        self._listener.join(timeout)
        if self._listener.is_alive():
            self.late = True
            self.error = f"MLflow takes longer than {timeout:.0f} s; the feeder goes on by itself"
            return False
        self._process.wait(timeout)
        if not all(fed.done or fed.error for fed in self.runs.values()):
            self.error = self.error or f"the feeder ended early; {self.log} has its last words"
        return self.error is None and not any(fed.error for fed in self.runs.values())

    def wait(self, folder: Path, timeout: float = LIMIT) -> Fed:
        """Wait until MLflow has all of a run that has ended, and more may come; say how it went."""
        if self._process is None:
            return Fed(done=True)
        self._tell(self._process, {})  # a nudge: it would look by itself, within a second
        fed, end = self.runs[folder], time.monotonic() + timeout
        while not (fed.done or self._given_up) and self._listener.is_alive():
            if time.monotonic() >= end:
                break
            time.sleep(PAUSE)
        if fed.done:
            return fed
        late = self.away or f"MLflow takes longer than {timeout:.0f} s"
        late = f"{late}; the feeder goes on by itself"
        why = self.error or (late if self.alive else f"the feeder ended; see {self.log}")
        return replace(fed, error=why)

    @property
    def _given_up(self) -> bool:
        """Whether the store has been away for longer than it is waited for."""
        return bool(self.away) and time.monotonic() - self._away_at > self.tracking.patience

    @property
    def listening(self) -> bool:
        """Whether it may still say something."""
        return self._process is not None and self._listener.is_alive()

    def stop(self) -> None:
        """End it at once: what MLflow has by then, it has."""
        if self._process is not None:
            self._process.kill()
            self.leave()
            self._process.wait()
            self._listener.join()

    def dismiss(self) -> bool:
        """End it where it was given nothing to bring: it has opened no store, and leaves no log."""
        self.stop()
        with suppress(OSError):
            if self._process is not None and not self.log.stat().st_size:
                self.log.unlink()
                self.log.parent.rmdir()  # which may have been made for it
        return True

    @property
    def alive(self) -> bool:
        """Whether it still brings anything anywhere."""
        return self._process is None or self._process.poll() is None

    def leave(self) -> bool:
        """Say that no more comes, and wait for nothing: there is nothing to be brought."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        return True

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                said: dict[str, Any] = json.loads(line)
                folder = said.pop("folder", None)
                if folder is None:
                    self.error = said.get("error", self.error)
                    self.away, self._away_at = said.get("away", self.away), time.monotonic()
                    continue
                fed = self.runs.setdefault(Path(folder), Fed())  # a job's, of a sweep
                for name in sorted(said, key="done".__eq__):  # which is waited for, and is last
                    setattr(fed, name, said[name])

    @staticmethod
    def _tell(process: "subprocess.Popen[str]", what: dict[str, Any]) -> None:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and `finish` says so: training goes on
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()


def _quiet() -> dict[str, str]:
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a URL may hold a password
        # MLflow's own defaults wait for minutes before they admit that a server is gone.
        # It would also send again what a server has taken, but not answered, such as a new run.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "15"),
    }
