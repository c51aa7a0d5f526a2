"""Closes runs that nobody else will: a process of its own, since importing MLflow takes seconds."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gdexp.tracking.journal import NAME
from gdexp.tracking.settings import Tracking, masked

PATIENCE = 300.0  # seconds that a store may take


@dataclass(frozen=True)
class Closing:
    """How a run is to be closed.

    Parameters
    ----------
    run_id, status : str
    time : int
        When it ended, ms since 1970.
    tags : mapping of str to str
        That say how.
    folder : str, optional
        Its output folder, whose journal it is given.
    """

    run_id: str
    status: str
    time: int
    tags: Mapping[str, str]
    folder: str | None = None


def close(tracking: Tracking, closings: Sequence[Closing]) -> dict[str, str]:
    """Close runs.

    Returns
    -------
    dict of str to str
        What went wrong, in one line, by the ids of runs that are not closed.
    """
    order = {"uri": str(tracking.uri), "closings": [asdict(each) for each in closings]}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(order),  # arguments can be seen by others
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        why = f"the store did not answer for {PATIENCE:.0f} s"
        return {each.run_id: why for each in closings}
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or ["the process ended without a word"])[-1]
        return {each.run_id: masked(why)[:300] for each in closings}
    told: dict[str, str] = json.loads(ran.stdout)
    return told


def main() -> None:
    """Do what standard input asks for; mishaps are told on standard output."""
    order, told = json.load(sys.stdin), {}
    with redirect_stdout(sys.stderr):
        import mlflow

        client = mlflow.MlflowClient(tracking_uri=order["uri"])
        for each in order["closings"]:
            try:
                _close(client, Closing(**each))
            except Exception as error:
                told[each["run_id"]] = masked(" ".join(str(error).split()))[:300]
    print(json.dumps(told))


def _close(client: Any, closing: Closing) -> None:
    for name, value in closing.tags.items():
        client.set_tag(closing.run_id, name, value)
    if closing.folder is not None:
        with suppress(Exception):  # it may have it already, and have been made to be read only
            client.log_artifact(closing.run_id, str(Path(closing.folder) / NAME))
    client.set_terminated(closing.run_id, closing.status, closing.time)


if __name__ == "__main__":
    main()
