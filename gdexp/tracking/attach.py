"""Files for a run that has ended: a process adds them, since importing MLflow takes seconds."""

import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from gdexp.tracking.settings import Tracking, masked

PATIENCE = 300.0  # seconds that a store may take


def attach(tracking: Tracking, artifacts: Path, experiment: str, run_id: str, folder: Path) -> str:
    """Add the files of a folder to a run, below ``report/``.

    Parameters
    ----------
    tracking : Tracking
        The store.
    artifacts : Path
        As in `Store`.
    experiment, run_id : str
        The run.
    folder : Path
        All its files are added; those of the same names are replaced.

    Returns
    -------
    str
        What went wrong, in one line; empty where nothing did.
    """
    order = {
        "store": {
            "uri": str(tracking.uri),  # by stdin: arguments can be seen by others
            "experiment": experiment,
            "artifacts": str(artifacts),
        },
        "run_id": run_id,
        "folder": str(folder),
    }
    try:
        ran = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the store did not answer for {PATIENCE:.0f} s"
    if ran.returncode == 0:
        return ""
    return (
        ran.stdout.strip() or (ran.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    )


def main() -> int:
    """Do what standard input asks for; a mishap is told on standard output."""
    order = json.load(sys.stdin)
    try:
        with redirect_stdout(sys.stderr):
            from gdexp.tracking.store import Store

            Store(**order["store"]).log_folder(order["run_id"], Path(order["folder"]), "report")
    except Exception as error:
        print(masked(" ".join(str(error).partition("[SQL:")[0].split()))[:300])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
